import { useEffect, useState } from 'react';
import { attempt, type Result } from '../../../base/result.ts';
import type { Picture } from '../../../study/plots/picture.ts';
import type { PictureKind } from '../../../study/plots/pictures.ts';
import type { Trial } from '../../../study/trial.ts';

/** Work on the page's thread before it gets a turn: a frame stays within 34 ms. */
const sliceMs = 10;
/** While a study runs, results come faster than pictures are worth being made. */
const restMs = 1500;

interface Made {
  readonly kind: PictureKind;
  readonly trials: readonly Trial[];
  readonly atMs: number;
  readonly outcome: Result<Picture>;
}

/** A picture of the trials, made in slices; the one before stays until a new one is ready, null until the first is. */
export function useMaking(kind: PictureKind, trials: readonly Trial[]): Result<Picture> | null {
  const [made, setMade] = useState<Made | null>(null);
  const isStale = made === null || made.kind !== kind || made.trials !== trials;
  const lastMs = made?.kind === kind ? made.atMs : Number.NEGATIVE_INFINITY;
  useEffect(() => {
    if (!isStale) return;
    let isWanted = true;
    const start = async () => {
      const outcome = await attempt(() => inSlices(kind, trials, () => isWanted));
      if (!isWanted) return;
      if (!outcome.ok) setMade({ kind, trials, atMs: performance.now(), outcome });
      else if (outcome.value) setMade({ kind, trials, atMs: performance.now(), outcome: outcome.value });
    };
    const timer = setTimeout(() => void start(), Math.max(0, lastMs + restMs - performance.now()));
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [kind, trials, isStale, lastMs]);
  return made?.kind === kind ? made.outcome : null;
}

/** @returns null if it was not wanted to its end */
async function inSlices(
  kind: PictureKind,
  trials: readonly Trial[],
  isWanted: () => boolean,
): Promise<Result<Picture> | null> {
  const making = kind.make(trials);
  let startedMs = performance.now();
  for (;;) {
    const step = making.next();
    if (step.done) return step.value;
    if (performance.now() - startedMs < sliceMs) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (!isWanted()) return null;
    startedMs = performance.now();
  }
}
