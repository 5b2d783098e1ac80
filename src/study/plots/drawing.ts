import type { Box } from '../plot-layout.ts';

/** A colour by its role: the page's own colours on screen, those of the light theme on white in files. */
export type Ink =
  | 'ink'
  | 'dim'
  | 'line'
  | 'paper'
  | 'accent'
  | 'faded'
  | 'tint'
  | 'exit'
  | 'cut'
  | 'good'
  | 'bad'
  | 'warn';

interface Painted {
  readonly fill?: Ink;
  readonly stroke?: Ink;
  readonly strokeWidth?: number;
  /** Lengths of dash and gap, in pixels. */
  readonly dash?: string;
  readonly opacity?: number;
  readonly roundEnds?: boolean;
}

/** Something drawn; all lengths in pixels, y downwards. */
export type Mark =
  | ({ readonly kind: 'path'; readonly d: string } & Painted)
  | ({
      readonly kind: 'line';
      readonly x1: number;
      readonly y1: number;
      readonly x2: number;
      readonly y2: number;
    } & Painted)
  | ({ readonly kind: 'rect'; readonly box: Box } & Painted)
  | ({ readonly kind: 'circle'; readonly x: number; readonly y: number; readonly radius: number } & Painted)
  | {
      readonly kind: 'text';
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly anchor?: 'start' | 'middle' | 'end';
      readonly ink?: Ink;
      readonly size?: number;
      readonly bold?: boolean;
    };

/** What is told of a part of the picture when it is tapped, hovered or reached by key. */
export interface Tip {
  readonly box: Box;
  /** Other places that tell the same. */
  readonly also?: readonly Box[];
  readonly text: string;
  /** Drawn over the picture while it is told, in place of a frame around the box. */
  readonly lit?: readonly Mark[];
}

/** A picture without its heading: plain data, drawn alike on screen and in files. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
  /** In reading order. */
  readonly tips: readonly Tip[];
}

/** Of texts, in pixels. */
export const TEXT_SIZE = 12;

/** A coordinate to a hundredth of a pixel, so that files stay short. */
export function round(pixels: number): number {
  return Math.round(100 * pixels) / 100;
}

/** Dots of one look as one path of points without length, which round ends make visible. */
export function dotsPath(points: readonly { readonly x: number; readonly y: number }[]): string {
  return points.map(({ x, y }) => `M${round(x)} ${round(y)}h0`).join('');
}

/** Straight lines through points; empty without any. */
export function linePath(points: readonly { readonly x: number; readonly y: number }[]): string {
  return points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
}
