import type { Box } from './boxes.ts';

/** Lengths are pixels at zoom 1; the trunk's centre is x = 0. */
export const TRUNK_WIDTH = 252;
export const SIDE_WIDTH = 152;
/** Distance between neighbouring rails. */
export const RAIL_STEP = 8;
/** Room between a column and the nearest rail, and beyond the farthest. */
export const GUTTER = 22;

export type Column = 'trunk' | 'side';

export interface PlacedBox {
  readonly box: Box;
  readonly column: Column;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function centreOf(at: PlacedBox): number {
  return at.x + at.width / 2;
}

export function bottomOf(at: PlacedBox): number {
  return at.y + at.height;
}
