import { attempt } from '../base/result.ts';
import { loadStatistics, saveStatistics } from '../persist/channel-statistics.ts';
import {
  type ChannelStatistics,
  statisticsByKey,
} from '../transforms/prune/statistics/channel-statistics.ts';
import { headSubjectOf } from './heads-slice.ts';
import type { Slice } from './slice.ts';
import { modelWorker } from './workers.ts';

export interface StatisticsSlice {
  /** What is known of the open model's channels on the open images, prepared as they are now. */
  readonly statistics: readonly ChannelStatistics[];
  /** Keeps what was seen; `calibrateFor` and studies look. */
  readonly adoptStatistics: (statistics: ChannelStatistics) => void;
}

export const createStatisticsSlice: Slice<StatisticsSlice> = (set, get, store) => {
  const adopt = async (statistics: readonly ChannelStatistics[]) => {
    set({ statistics });
    await modelWorker()?.useStatistics(statistics);
  };

  store.subscribe((lab, before) => {
    const isSame =
      lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing;
    if (isSame) return;
    if (lab.statistics.length > 0) set({ statistics: [] });
    const subject = headSubjectOf(lab);
    if (subject === null) return;
    void attempt(() => loadStatistics(subject)).then((found) => {
      // Another model or other images may have been opened meanwhile.
      if (JSON.stringify(headSubjectOf(get())) === JSON.stringify(subject))
        void adopt(found.ok ? found.value : []);
    });
  });

  return {
    statistics: [],
    adoptStatistics: (statistics) => {
      void adopt([...statisticsByKey([...get().statistics, statistics]).values()]);
      const subject = headSubjectOf(get());
      if (subject === null) return;
      void saveStatistics(subject, [statistics]).then((saved) => {
        if (!saved.ok) get().reportFailure('What was seen of channels is not kept', saved.failure);
      });
    },
  };
};
