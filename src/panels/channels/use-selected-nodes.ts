import { useMemo } from 'react';
import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';

/** The selected node, or those of the selected block. */
export function useSelectedNodes(view: GraphView): readonly NodeView[] {
  const node = useLab((lab) => lab.selectedNode);
  const range = useLab((lab) => lab.selectedRange);
  return useMemo(() => {
    if (node === null) return [];
    const [firstNode, lastNode] = range === null ? [node, node] : [range.firstNode, range.lastNode];
    return view.nodes.slice(firstNode, lastNode + 1);
  }, [view, node, range]);
}
