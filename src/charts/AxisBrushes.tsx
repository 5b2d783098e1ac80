import { type PointerEvent, useState } from 'react';
import type { Box } from '../study/plot-layout.ts';
import styles from './AxisBrushes.module.css';

interface Brushable {
  readonly id: string;
  readonly label: string;
  /** Of the axis' line, in the picture's pixels. */
  readonly box: Box;
}

interface AxisBrushesProps<Axis extends Brushable> {
  readonly axes: readonly Axis[];
  /** Part of the axis from its left end, 0, to its right end, 1; null: a tap, which takes the limit away. */
  readonly onBrush: (axis: Axis, part: readonly [from: number, to: number] | null) => void;
}

/** Shorter than this is a tap. */
const leastPixels = 6;

/** Lies over horizontal axes of a picture; dragging along one brushes it. Sliders do the same without a pointer. */
export function AxisBrushes<Axis extends Brushable>({ axes, onBrush }: AxisBrushesProps<Axis>) {
  const [startX, setStartX] = useState<number | null>(null);
  const partAt = (event: PointerEvent<HTMLDivElement>): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  return axes.map((axis) => {
    const { left, right, top } = axis.box;
    const brush = (event: PointerEvent<HTMLDivElement>) => {
      if (startX === null) return;
      const { width } = event.currentTarget.getBoundingClientRect();
      const [from, to] = [startX, partAt(event)].sort((a, b) => a - b) as [number, number];
      onBrush(axis, (to - from) * width < leastPixels ? null : [from, to]);
    };
    return (
      <div
        key={axis.id}
        className={styles.axis}
        title={`Drag to keep a part of ${axis.label}, tap to keep all`}
        aria-hidden="true"
        style={{ left, width: right - left, top: top - 11 }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setStartX(partAt(event));
        }}
        onPointerMove={brush}
        onPointerUp={(event) => {
          brush(event);
          setStartX(null);
        }}
        onPointerCancel={() => setStartX(null)}
      />
    );
  });
}
