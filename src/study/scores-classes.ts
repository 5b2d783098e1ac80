import type { GraphView } from '../onnx/graph-view.ts';

/** Whether the best of the final scores names a class. */
export function scoresClasses(view: GraphView): boolean {
  const count = dimsOfScores(view);
  return count !== null && count <= 1;
}

/** Whether the final scores are known to be more than one for each class, such as those of pixels. */
export function scoresMaps(view: GraphView): boolean {
  return (dimsOfScores(view) ?? 0) > 1;
}

/** Over how many dimensions the final scores reach, images aside; null: their shape is not known. */
function dimsOfScores({ exits, values }: GraphView): number | null {
  const shape = values.get(exits.at(-1)?.output ?? ('' as never))?.shape;
  return shape == null ? null : shape.slice(1).filter((dim) => dim !== 1).length;
}
