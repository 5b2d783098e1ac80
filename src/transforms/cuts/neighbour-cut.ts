import type { GraphView } from '../../onnx/graph-view.ts';

/** The next legal cut in this direction; null at the end. */
export function neighbourCut(view: GraphView, afterNode: number, direction: 1 | -1): number | null {
  for (let i = afterNode + direction; i >= 0 && i < view.frontiers.length; i += direction) {
    if (view.frontiers[i]?.legal) return i;
  }
  return null;
}
