import { useEffect, useState } from 'react';
import { attempt, type Result } from '../../../base/result.ts';
import type { FrontAxes } from '../../../study/front-layout.ts';
import type { Picture } from '../../../study/plots/picture.ts';
import type { Limits } from '../../../study/plots/parallel.ts';
import type { PictureKind } from '../../../study/plots/pictures.ts';
import type { Trial } from '../../../study/trial.ts';
import { inSlices } from '../../../store/in-slices.ts';

/** While a study runs, results come faster than pictures are worth being made. */
const restMs = 1500;

interface Made {
  readonly kind: PictureKind;
  readonly trials: readonly Trial[];
  readonly limits: Limits;
  readonly axes: FrontAxes;
  readonly atMs: number;
  readonly outcome: Result<Picture>;
}

/** A picture of the trials, made in slices; the one before stays until a new one is ready, null until the first is. */
export function useMaking(
  kind: PictureKind,
  trials: readonly Trial[],
  limits: Limits,
  axes: FrontAxes,
): Result<Picture> | null {
  const [made, setMade] = useState<Made | null>(null);
  const isStale =
    made?.kind !== kind || made.trials !== trials || made.limits !== limits || made.axes !== axes;
  // A limit that is being drawn is followed at once.
  const mustRest = made?.kind === kind && made.trials !== trials;
  const lastMs = mustRest ? made.atMs : Number.NEGATIVE_INFINITY;
  useEffect(() => {
    if (!isStale) return;
    let isWanted = true;
    const start = async () => {
      const outcome = await attempt(() => inSlices(kind.make(trials, limits, axes), () => isWanted));
      if (!isWanted) return;
      const now = { kind, trials, limits, axes, atMs: performance.now() };
      if (!outcome.ok) setMade({ ...now, outcome });
      else if (outcome.value) setMade({ ...now, outcome: outcome.value });
    };
    const timer = setTimeout(() => void start(), Math.max(0, lastMs + restMs - performance.now()));
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [kind, trials, limits, axes, isStale, lastMs]);
  return made?.kind === kind ? made.outcome : null;
}
