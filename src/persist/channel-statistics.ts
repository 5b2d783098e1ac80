import type { Result } from '../base/result.ts';
import {
  type ChannelStatistics,
  keyOfStatistics,
} from '../transforms/prune/statistics/channel-statistics.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';
import { recordsOf, type Subject, subjectId } from './subject.ts';

/** Keeps what was seen of channels, so that a recipe that comes back need not run the images again. */
export function saveStatistics(
  subject: Subject,
  statistics: readonly ChannelStatistics[],
): Promise<Result<void>> {
  return attemptWrite('the statistics of channels', async () => {
    const transaction = (await openDatabase()).transaction('channelStatistics', 'readwrite');
    const id = subjectId(subject);
    const writes = statistics.map((each) =>
      transaction.store.put({ subject: id, key: keyOfStatistics(each), statistics: each }),
    );
    await Promise.all([...writes, transaction.done]);
  });
}

/** All kept statistics of a model on these images. */
export async function loadStatistics(subject: Subject): Promise<readonly ChannelStatistics[]> {
  return (await recordsOf('channelStatistics', subject)).map(({ statistics }) => statistics);
}
