import type { GraphView } from '../onnx/graph-view.ts';

/** Whether the best of the final scores names a class. */
export function scoresClasses({ exits, values }: GraphView): boolean {
  const shape = values.get(exits.at(-1)?.output ?? ('' as never))?.shape;
  return shape != null && shape.slice(1).filter((dim) => dim !== 1).length <= 1;
}
