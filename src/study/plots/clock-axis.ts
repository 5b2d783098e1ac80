import { niceScale, type Scale } from '../ticks.ts';

/** A time axis in the unit that fits it; values are minutes. */
export interface ClockScale extends Scale {
  readonly tickText: (minutes: number) => string;
}

/** Shorter studies are told in seconds. */
const longestInSeconds = 3;

/** From 0 to the end of a study, with about `wanted` ticks. */
export function clockScale(minutes: number, wanted: number): ClockScale {
  const isShort = minutes < longestInSeconds;
  const perUnit = isShort ? 1 / 60 : 1;
  const { low, high, ticks } = niceScale([0, minutes / perUnit || 1], wanted);
  return {
    low: low * perUnit,
    high: high * perUnit,
    ticks: ticks.map((tick) => tick * perUnit),
    tickText: (at) => (at === 0 ? '0' : `${Number((at / perUnit).toPrecision(6))} ${isShort ? 's' : 'min'}`),
  };
}

/** Of the axis: pauses do not count. */
export const RUNNING_TITLE = 'time that the study ran';
