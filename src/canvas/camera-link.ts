import { type Anchors, anchorsBetween, foldKeyThere, heightThere, type LaidOut } from './counterparts.ts';

/** What is looked at: the point in the middle of the pane, in the graph's own lengths. */
export interface Sight {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** A change of what is folded: one part, or all. */
export type Folding =
  | { readonly kind: 'one'; readonly key: string; readonly node: number }
  | { readonly kind: 'all'; readonly isUnfolded: boolean };

/** One of two graphs that are looked at together. */
export interface LinkedGraph extends LaidOut {
  readonly sight: () => Sight;
  readonly lookAt: (sight: Sight) => void;
  readonly fold: (folding: Folding) => void;
}

export type Side = 0 | 1;

/** Two graphs that pan, zoom and unfold together, each at the place that stands for that of the other. */
export class CameraLink {
  private readonly graphs: [LinkedGraph | null, LinkedGraph | null] = [null, null];
  private anchors: [Anchors, Anchors] | null = null;
  /** The side that was moved last: when layouts change, the other follows it. */
  private leader: Side = 0;
  private isFollowing = false;

  /** A graph's layout is there, or another one; null: it is gone. */
  join(side: Side, graph: LinkedGraph | null): void {
    this.graphs[side] = graph;
    const [first, second] = this.graphs;
    this.anchors = first && second && [anchorsBetween(first, second), anchorsBetween(second, first)];
    this.level();
  }

  /** What the middle of a pane shows depends on its size, which may be known later than the graph. */
  level(): void {
    const leader = this.graphs[this.leader];
    if (leader !== null) this.follow(this.leader, leader.sight());
  }

  /** A person moved a graph. */
  moved(side: Side, sight: Sight): void {
    if (this.isFollowing) return;
    this.leader = side;
    this.follow(side, sight);
  }

  /** A person folded or unfolded something. */
  folded(side: Side, folding: Folding): void {
    const [graph, other] = [this.graphs[side], this.graphs[side === 0 ? 1 : 0]];
    if (graph === null || other === null) return;
    this.leader = side;
    if (folding.kind === 'all') return other.fold(folding);
    const key = foldKeyThere(graph.view, other.view, folding.key, folding.node);
    if (key !== null) other.fold({ ...folding, key });
  }

  private follow(side: Side, { x, y, zoom }: Sight): void {
    const other = this.graphs[side === 0 ? 1 : 0];
    if (other === null || this.anchors === null) return;
    this.isFollowing = true;
    other.lookAt({ x, y: heightThere(this.anchors[side], y), zoom });
    this.isFollowing = false;
  }
}
