import { useCallback, useEffect, useState } from 'react';
import { attempt } from '../base/result.ts';
import { useLab } from './lab.ts';
import { deleteShots, loadShots, saveShot } from '../persist/shots.ts';
import type { Shot } from '../study/live/captured-set.ts';

export interface Shots {
  readonly all: readonly Shot[];
  /** Those that were deleted last, to be taken back. */
  readonly deleted: readonly Shot[];
  readonly keep: (png: Blob, label: number | null) => void;
  readonly remove: (shots: readonly Shot[]) => void;
  readonly undo: () => void;
}

/** The captured images, which stay on this device until they are deleted. */
export function useShots(): Shots {
  const reportFailure = useLab((lab) => lab.reportFailure);
  const [all, setAll] = useState<readonly Shot[]>([]);
  const [deleted, setDeleted] = useState<readonly Shot[]>([]);
  useEffect(() => {
    let isCurrent = true;
    void attempt(loadShots).then((kept) => {
      if (isCurrent && kept.ok) setAll((taken) => sorted([...kept.value, ...taken]));
    });
    return () => {
      isCurrent = false;
    };
  }, []);
  const add = useCallback(
    (shots: readonly Shot[]) => {
      setAll((before) => sorted([...before, ...shots]));
      for (const shot of shots)
        void saveShot(shot).then((saved) => {
          if (!saved.ok) reportFailure('A captured image is not kept', saved.failure);
        });
    },
    [reportFailure],
  );
  const keep = useCallback(
    (png: Blob, label: number | null) =>
      add([{ id: crypto.randomUUID(), takenAtMs: Date.now(), label, png }]),
    [add],
  );
  const remove = useCallback((shots: readonly Shot[]) => {
    const gone = new Set(shots);
    setAll((before) => before.filter((shot) => !gone.has(shot)));
    setDeleted(shots);
    void attempt(() => deleteShots(shots.map(({ id }) => id)));
  }, []);
  return {
    all,
    deleted,
    keep,
    remove,
    undo: () => {
      add(deleted);
      setDeleted([]);
    },
  };
}

function sorted(shots: readonly Shot[]): readonly Shot[] {
  return shots.toSorted((a, b) => a.takenAtMs - b.takenAtMs);
}
