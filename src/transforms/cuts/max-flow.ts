export interface SmallestCut {
  readonly capacity: number;
  /** 1 for each vertex on the source's side. */
  readonly onSourceSide: Uint8Array;
}

/**
 * A directed network with capacities, and its smallest cut by Dinic's algorithm. Capacities are non-negative
 * integers whose sum stays below 2^53, so that all arithmetic is exact; `Infinity` is never cut.
 */
export class FlowNetwork {
  readonly #heads: number[] = [];
  /** What can still flow; the reverse of edge e is e ^ 1. */
  readonly #residual: number[] = [];
  readonly #edgesOf: number[][];
  /** What flows through `#residual` so far. */
  #flow = 0;

  constructor(vertices: number) {
    this.#edgesOf = Array.from({ length: vertices }, () => []);
  }

  addEdge(from: number, to: number, capacity: number): void {
    if (capacity === 0) return;
    this.#edgesOf[from]?.push(this.#heads.push(to) - 1);
    this.#residual.push(capacity);
    this.#edgesOf[to]?.push(this.#heads.push(from) - 1);
    this.#residual.push(0);
  }

  /**
   * The capacity of the smallest cut between two vertices, and which vertices are on the source's side: of
   * several smallest cuts the one nearest to the source.
   * @param below the search ends as soon as no cut is smaller than this
   * @returns `Infinity` if every cut goes through an edge that is never cut, or none is small enough
   */
  minimumCut(source: number, sink: number, below = Infinity): SmallestCut {
    for (;;) {
      const levels = this.#levelsFrom(source);
      if (levels[sink] === -1) {
        const onSourceSide = Uint8Array.from(levels, (level) => (level >= 0 ? 1 : 0));
        return { capacity: this.#flow, onSourceSide };
      }
      this.#flow += this.#blockingFlow(source, sink, levels);
      if (this.#flow >= below) return { capacity: Infinity, onSourceSide: new Uint8Array(levels.length) };
    }
  }

  /**
   * The smallest cut if these edges, which are never cut, were there too. After `minimumCut`, from whose flow it goes
   * on; the network stays as it was.
   */
  minimumCutWith(
    edges: readonly (readonly [from: number, to: number])[],
    source: number,
    sink: number,
    below: number,
  ): SmallestCut {
    const [residual, flow] = [this.#residual.slice(), this.#flow];
    for (const [from, to] of edges) this.addEdge(from, to, Infinity);
    const found = this.minimumCut(source, sink, below);
    for (const [from, to] of edges.toReversed()) {
      this.#edgesOf[to]?.pop();
      this.#edgesOf[from]?.pop();
    }
    this.#heads.length = residual.length;
    this.#residual.length = residual.length;
    residual.forEach((left, edge) => {
      this.#residual[edge] = left;
    });
    this.#flow = flow;
    return found;
  }

  #levelsFrom(source: number): Int32Array {
    const levels = new Int32Array(this.#edgesOf.length).fill(-1);
    const queue = [source];
    levels[source] = 0;
    for (let at = 0; at < queue.length; at++) {
      const vertex = queue[at] as number;
      for (const edge of this.#edgesOf[vertex] as number[]) {
        const to = this.#heads[edge] as number;
        if (levels[to] !== -1 || (this.#residual[edge] as number) <= 0) continue;
        levels[to] = (levels[vertex] as number) + 1;
        queue.push(to);
      }
    }
    return levels;
  }

  /** Depth first along rising levels with an explicit path: networks can be thousands of vertices deep. */
  #blockingFlow(source: number, sink: number, levels: Int32Array): number {
    const nextEdge = new Int32Array(levels.length);
    const path: number[] = [];
    let total = 0;
    let vertex = source;
    for (;;) {
      if (vertex === sink) {
        let least = Infinity;
        for (const edge of path) least = Math.min(least, this.#residual[edge] as number);
        if (least === Infinity) return Infinity;
        total += least;
        let cutAt = path.length;
        for (let at = path.length - 1; at >= 0; at--) {
          const edge = path[at] as number;
          this.#residual[edge] = (this.#residual[edge] as number) - least;
          this.#residual[edge ^ 1] = (this.#residual[edge ^ 1] as number) + least;
          if (this.#residual[edge] === 0) cutAt = at;
        }
        // Go on from before the first edge that is full now.
        vertex = this.#heads[(path[cutAt] as number) ^ 1] as number;
        path.length = cutAt;
        continue;
      }
      const edges = this.#edgesOf[vertex] as number[];
      const edge = edges[nextEdge[vertex] as number];
      if (edge === undefined) {
        const last = path.pop();
        if (last === undefined) return total;
        vertex = this.#heads[last ^ 1] as number;
        nextEdge[vertex] = (nextEdge[vertex] as number) + 1;
        continue;
      }
      const to = this.#heads[edge] as number;
      if ((this.#residual[edge] as number) > 0 && levels[to] === (levels[vertex] as number) + 1) {
        path.push(edge);
        vertex = to;
      } else nextEdge[vertex] = (nextEdge[vertex] as number) + 1;
    }
  }
}
