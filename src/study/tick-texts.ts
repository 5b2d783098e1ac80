import type { Axis } from './metrics.ts';
import { labelFontSize, textWidth } from './plot-layout.ts';

/** A tick's text on a horizontal axis, in pixels. */
export interface TickPlace {
  readonly tick: number;
  readonly text: string;
  readonly x: number;
  readonly anchor: 'middle' | 'end';
}

/** Between texts beside each other: less would read as one. */
const GAP = 6;

/** Ticks are round: all their digits are told, however narrow the axis' range is, and none beyond: `2 ms`, `1.725 ms`. */
export function tickText({ unit }: Axis, tick: number): string {
  switch (unit) {
    case 'share':
      return `${digits(100 * tick)} %`;
    case 'ms':
      if (tick === 0) return '0';
      if (tick < 1000) return `${digits(tick)} ms`;
      return tick % 60_000 === 0 ? `${digits(tick / 60_000)} min` : `${digits(tick / 1000)} s`;
    case 'bytes':
      return scaled(tick, ['B', 'kB', 'MB', 'GB', 'TB']);
    case 'count':
      return scaled(tick, ['', 'k', 'M', 'G', 'T']).trim();
  }
}

/** As many as tell a round number, without what arithmetic adds (0.30000000000000004). */
function digits(value: number): string {
  return `${Number(value.toPrecision(10))}`;
}

function scaled(value: number, units: readonly string[]): string {
  const power = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)) / 3);
  const unit = Math.min(units.length - 1, Math.max(0, power));
  return `${digits(value / 1000 ** unit)} ${units[unit]}`;
}

/**
 * Places the texts of a horizontal axis' ticks under them: where there is no room for all, every second, third …
 * @param toX where a tick is drawn
 * @param edge where texts must end, at the right
 */
export function placeTicks(
  axis: Axis,
  ticks: readonly number[],
  toX: (tick: number) => number,
  edge: number,
  fontSize = labelFontSize,
): readonly TickPlace[] {
  const places = ticks.map((tick) => {
    const text = tickText(axis, tick);
    const [x, width] = [toX(tick), textWidth(text, fontSize)];
    const isOver = x + width / 2 > edge;
    const [left, right] = isOver ? [edge - width, edge] : [x - width / 2, x + width / 2];
    const place: TickPlace = { tick, text, x: isOver ? edge : x, anchor: isOver ? 'end' : 'middle' };
    return { place, left, right };
  });
  for (let every = 1; every < places.length; every++) {
    const kept = places.filter((_, index) => index % every === 0);
    const hasRoom = kept.map(({ right }, index) => right + GAP <= (kept[index + 1]?.left ?? Infinity));
    // A text that was moved in from the edge may be in the way of the one before.
    const last = kept.at(-1)?.place.anchor === 'end' && hasRoom.at(-2) === false ? 1 : 0;
    if (hasRoom.slice(0, hasRoom.length - 1 - last).every(Boolean))
      return kept.slice(0, kept.length - last).map(({ place }) => place);
  }
  return places.slice(0, 1).map(({ place }) => place);
}
