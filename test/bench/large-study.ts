import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { serialiseStudy } from '../../src/study/study-json.ts';
import { makeSample, makeStudy, makeTrial } from '../unit/study/trials.ts';

const strategies = 24;
const samplesEach = 10_000;

/** For people. */
export const LARGE_STUDY = `${strategies} x ${samplesEach} samples`;

/** A study.json of lognormal-like latencies, one in fifty disturbed. @param id of the study */
export function largeStudyJson(id = 'study'): string {
  const random = seededRandom(1);
  const trials = Array.from({ length: strategies }, (_, strategy) =>
    makeTrial(`strategy ${strategy}`, {
      samples: Array.from({ length: samplesEach }, (__, round) => {
        const spread = Math.exp(0.1 * (random() + random() + random() - 1.5));
        const computeMs = (3 + strategy) * spread * (random() < 0.02 ? 2.5 : 1);
        const sequence = round * strategies + strategy;
        return makeSample({
          round,
          sequence,
          startedAtMs: 1_700_000_000_000 + 30 * sequence,
          computeMs,
          segmentMs: [computeMs],
          totalMs: computeMs + 1.75,
        });
      }),
      id: `${id}-${strategy}`,
      studyId: id,
      accuracy: {
        images: 1000,
        labelledImages: 1000,
        top1Correct: 600 + 10 * strategy,
        top5Correct: null,
        agreeing: 700 + 10 * strategy,
      },
    }),
  );
  return serialiseStudy({ ...makeStudy(trials), id });
}

/** A file for a picker, which takes no more than 50 MB from memory. @returns its path */
export async function onDisk(name: string, bytes: Buffer): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'large-study-')), name);
  await writeFile(path, bytes);
  return path;
}
