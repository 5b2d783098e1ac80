import type { ConfidenceMeasure } from '../../transforms/exits/confidence.ts';
import { type ClassMask, NO_ANSWER } from '../segmentation/packed-mask.ts';
import { summarise } from '../statistics/summary.ts';
import { NO_CLASS } from '../trial.ts';

/** What a variant says of a frame of the camera, and how long that took. All times in milliseconds. */
export interface LiveAnswer {
  /** Best class in the model's numbering; `NO_CLASS` where its scores are not numbers or score no classes. */
  readonly best: number;
  /** Of the best class, in [0, 1]; NaN without one. */
  readonly confidence: number;
  /** The likeliest classes, that one first; none where there is none. */
  readonly ranked?: readonly RankedClass[];
  /** In place of a class, of models that name those of pixels: with the picture's proportions. */
  readonly mask?: ClassMask;
  /** Exit taken, as index in `GraphView.exits`; null for a model with one output. */
  readonly exitIndex: number | null;
  /** Why it left there; absent at the end, and where the model decides by itself. */
  readonly leftBy?: ExitReason;
  /** From the frame to the input tensor. */
  readonly prepareMs: number;
  /** The latency of the front. */
  readonly computeMs: number;
}

export interface RankedClass {
  /** In the model's numbering. */
  readonly best: number;
  /** In [0, 1]. */
  readonly probability: number;
}

/** An exit is taken as soon as it is as sure as its threshold. */
export interface ExitReason {
  readonly measure: ConfidenceMeasure;
  readonly sureness: number;
  readonly threshold: number;
}

/** The same frame, answered by each variant in turn. */
export interface LiveFrameAnswers {
  /** When all had answered, on any clock. */
  readonly atMs: number;
  /** Of the chosen variant, and of the original where it runs beside it. */
  readonly answers: readonly LiveAnswer[];
}

/** What is remembered of the frames so far. */
export interface LiveTally {
  /** The last ones, oldest first. */
  readonly recent: readonly LiveFrameAnswers[];
  /** Frames that two variants answered, and those that both answered with the same class; shares of pixels add up. */
  readonly compared: number;
  readonly same: number;
}

export const NO_FRAMES: LiveTally = { recent: [], compared: 0, same: 0 };

/** Enough for a median that does not jump, few enough to follow a device that throttles. */
const RECENT_FRAMES = 30;

/** Takes a frame in. */
export function tallied({ recent, compared, same }: LiveTally, frame: LiveFrameAnswers): LiveTally {
  const [first, second] = frame.answers;
  return {
    // Masks are large, and only the last are looked at.
    recent: [...recent.map(withoutMasks), frame].slice(-RECENT_FRAMES),
    compared: compared + (second ? 1 : 0),
    same: same + (second ? likeness(first, second) : 0),
  };
}

function withoutMasks({ atMs, answers }: LiveFrameAnswers): LiveFrameAnswers {
  return {
    atMs,
    answers: answers.map(({ best, confidence, exitIndex, prepareMs, computeMs }) => ({
      best,
      confidence,
      exitIndex,
      prepareMs,
      computeMs,
    })),
  };
}

/** 1 where both answer alike; of masks the share of the pixels that they do of. */
export function likeness(first: LiveAnswer | undefined, second: LiveAnswer | undefined): number {
  const [one, other] = [first?.mask?.classes, second?.mask?.classes];
  if (!one || !other) return isSameAnswer(first, second) ? 1 : 0;
  let [alike, asked] = [0, 0];
  for (let at = 0; at < one.length; at++) {
    if (one[at] === NO_ANSWER && other[at] === NO_ANSWER) continue;
    asked++;
    if (one[at] === other[at]) alike++;
  }
  return asked === 0 ? 0 : alike / asked;
}

/** Whether both name the same class; scores that are not numbers name none. */
export function isSameAnswer(first: LiveAnswer | undefined, second: LiveAnswer | undefined): boolean {
  return first !== undefined && first.best !== NO_CLASS && first.best === second?.best;
}

/** How many of the last frames both variants gave the same class. */
export function recentlySame({ recent }: LiveTally): number {
  return recent.filter(({ answers: [first, second] }) => isSameAnswer(first, second)).length;
}

/** A runtime's first inferences are slow. */
const FRAMES_TO_COMPARE = 10;

/** How many times as fast as the second variant the first one is, over the last frames; null of few frames. */
export function recentSpeedUp(tally: LiveTally): number | null {
  if (tally.recent.length < FRAMES_TO_COMPARE) return null;
  const [firstMs, secondMs] = [recentLatencyMs(tally, 0), recentLatencyMs(tally, 1)];
  return firstMs === null || secondMs === null || !(firstMs > 0) ? null : secondMs / firstMs;
}

/** Frames answered per second; null as long as fewer than two were. */
export function framesPerSecond({ recent }: LiveTally): number | null {
  const [first, last] = [recent[0], recent.at(-1)];
  if (!first || !last || last.atMs <= first.atMs) return null;
  return (1000 * (recent.length - 1)) / (last.atMs - first.atMs);
}

/** Median latency of a variant over the last frames; null before the first. */
export function recentLatencyMs({ recent }: LiveTally, variant: number): number | null {
  const timesMs = recent.flatMap(({ answers }) => answers[variant]?.computeMs ?? []);
  return summarise(timesMs)?.median ?? null;
}

/** Median time from a picture to the input of a variant, over the last frames; null before the first. */
export function recentPrepareMs({ recent }: LiveTally): number | null {
  const timesMs = recent.flatMap(({ answers }) => answers.map(({ prepareMs }) => prepareMs));
  return summarise(timesMs)?.median ?? null;
}
