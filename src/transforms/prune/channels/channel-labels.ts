/**
 * Names for the channels of a model while it is walked: each index of a tracked axis carries a label, and labels of
 * channels that must go together are united (union-find). Labels remember their origin, the dimension of the layer
 * that made them.
 */
export class ChannelLabels {
  private parents = new Int32Array(4096);
  private origins = new Int32Array(4096);
  private labelCount = 0;
  private readonly nodes: number[] = [];

  /** How many labels were made. */
  get count(): number {
    return this.labelCount;
  }

  /** How many origins there are, in order of work. */
  get originCount(): number {
    return this.nodes.length;
  }

  /**
   * Labels for a dimension that a node makes.
   * @param node its position in `graph.nodes`
   */
  make(size: number, node: number): Int32Array {
    const first = this.labelCount;
    const end = first + size;
    if (end > this.parents.length) {
      const capacity = Math.max(end, 2 * this.parents.length);
      this.parents = grown(this.parents, capacity);
      this.origins = grown(this.origins, capacity);
    }
    const made = new Int32Array(size);
    const origin = this.nodes.push(node) - 1;
    for (let label = first; label < end; label++) {
      this.parents[label] = label;
      this.origins[label] = origin;
      made[label - first] = label;
    }
    this.labelCount = end;
    return made;
  }

  /** The label that stands for all that are united with this one: the earliest of them. */
  find(label: number): number {
    const { parents } = this;
    let root = label;
    for (let parent = parents[root] as number; parent !== root; parent = parents[root] as number) {
      // Path halving keeps later look-ups short.
      const grandparent = parents[parent] as number;
      parents[root] = grandparent;
      root = grandparent;
    }
    return root;
  }

  /** The two, and all that are united with either, go together. */
  unite(a: number, b: number): void {
    const left = this.find(a);
    const right = this.find(b);
    if (left < right) this.parents[right] = left;
    else this.parents[left] = right;
  }

  /** Which dimension the label was made for. */
  originOf(label: number): number {
    return this.origins[label] as number;
  }

  /** The node that made an origin, as position in `graph.nodes`. */
  nodeOf(origin: number): number {
    return this.nodes[origin] as number;
  }
}

function grown(old: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const array = new Int32Array(capacity);
  array.set(old);
  return array;
}
