import { useEffect, useState } from 'react';
import { inSlices } from '../../store/in-slices.ts';
import { type ChangedMask, changedMasks } from '../../study/quality/by-pixel-class.ts';
import type { MaskAnswers } from '../../study/trial.ts';

interface Compared {
  readonly after: MaskAnswers;
  readonly before: MaskAnswers | null;
  readonly changed: readonly ChangedMask[];
}

/** See `changedMasks`; null while they are compared: of many images that takes longer than a frame. */
export function useChangedMasks(
  after: MaskAnswers,
  before: MaskAnswers | null,
): readonly ChangedMask[] | null {
  const [compared, setCompared] = useState<Compared | null>(null);
  useEffect(() => {
    let isWanted = true;
    void inSlices(changedMasks(after, before), () => isWanted).then((changed) => {
      if (changed !== null && isWanted) setCompared({ after, before, changed });
    });
    return () => {
      isWanted = false;
    };
  }, [after, before]);
  return compared?.after === after && compared.before === before ? compared.changed : null;
}
