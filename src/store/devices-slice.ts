import { attempt } from '../base/result.ts';
import { loadStudy, renameDevice } from '../persist/studies.ts';
import type { Study } from '../study/trial.ts';
import type { Slice } from './slice.ts';

export interface DevicesSlice {
  /** Studies that stand beside the one on screen, as from other devices, by id. */
  readonly beside: ReadonlyMap<string, Study>;
  readonly putBeside: (studyId: string, isWanted: boolean) => Promise<void>;
  /** Gives the device of a study a name, kept with the study; empty: what the browser tells of it. */
  readonly nameDevice: (studyId: string, name: string) => Promise<void>;
}

export const createDevicesSlice: Slice<DevicesSlice> = (set, get, store) => {
  const change = (edit: (beside: Map<string, Study>) => void) =>
    set(({ beside: before }) => {
      const beside = new Map(before);
      edit(beside);
      return { beside };
    });

  // The study on screen need not stand beside itself.
  store.subscribe(({ study, beside }) => {
    if (study !== null && beside.has(study.id)) change((map) => map.delete(study.id));
  });

  return {
    beside: new Map(),
    putBeside: async (studyId, isWanted) => {
      if (!isWanted) return change((beside) => beside.delete(studyId));
      const loaded = await attempt(() => loadStudy(studyId));
      if (!loaded.ok) return get().reportFailure('The study could not be opened', loaded.failure);
      const study = loaded.value;
      if (study) change((beside) => beside.set(studyId, study));
    },
    nameDevice: async (studyId, name) => {
      const deviceName = name.trim() === '' ? null : name.trim();
      const named = <T extends Omit<Study, 'trials'>>({ deviceName: _before, ...rest }: T) => ({
        ...rest,
        ...(deviceName !== null && { deviceName }),
      });
      const { study } = get();
      if (study?.id === studyId) set({ study: named(study) });
      const other = get().beside.get(studyId);
      if (other) change((beside) => beside.set(studyId, named(other) as Study));
      const kept = await renameDevice(studyId, deviceName);
      if (!kept.ok) get().reportFailure('The name is not kept', kept.failure);
    },
  };
};
