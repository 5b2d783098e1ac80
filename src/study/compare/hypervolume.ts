import { assert } from '../../base/assert.ts';

/**
 * The part of the space of two or three costs that points dominate, up to a reference point: its area or volume.
 * @param points costs, lower is better; those beyond the reference in any cost dominate nothing of it
 * @param reference the worst corner, as many costs as each point
 * @source Fonseca, Paquete and López-Ibáñez 2006, dimension sweep
 */
export function hypervolume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  assert(reference.length === 2 || reference.length === 3, 'hypervolumes are told of two or three costs');
  const inside = points.filter((costs) => reference.every((worst, axis) => (costs[axis] as number) < worst));
  const [x, y, z] = reference as readonly [number, number, number?];
  if (z === undefined) return areaOf(inside, x, y);
  // Slices between neighbouring points along the third cost; each adds what is dominated up to there.
  const byDepth = inside.toSorted((a, b) => (a[2] as number) - (b[2] as number));
  return byDepth.reduce((volume, point, at) => {
    const depth = ((byDepth[at + 1]?.[2] ?? z) as number) - (point[2] as number);
    return depth === 0 ? volume : volume + depth * areaOf(byDepth.slice(0, at + 1), x, y);
  }, 0);
}

function areaOf(points: readonly (readonly number[])[], x: number, y: number): number {
  let [area, lowest] = [0, y];
  for (const point of points.toSorted((a, b) => (a[0] as number) - (b[0] as number))) {
    const height = point[1] as number;
    if (height >= lowest) continue;
    area += (x - (point[0] as number)) * (lowest - height);
    lowest = height;
  }
  return area;
}
