import { defined } from '../base/assert.ts';
import { candidatePreprocessings, type PreprocessingCandidate } from '../data/guess-preprocessing.ts';
import { bestCandidate, candidateName, reasonsWithScore } from '../data/rank-preprocessings.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { type PreprocessingTrial, tryPreprocessings } from './try-preprocessings.ts';

/** The guess; where labelled images can tell, the best of the plausible ones. */
export async function findPreprocessing(
  {
    view,
    data,
    size,
    ...rest
  }: Omit<PreprocessingTrial, 'candidates'> & { readonly view: GraphView; readonly size: CountedSize },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<PreprocessingCandidate> {
  const { dataset } = data;
  const candidates = candidatePreprocessings(view, dataset, dataset.imageSize ?? null, size);
  const guess = defined(candidates[0], 'a guess');
  const isLabelled = data.dataset.items.some(({ label }) => label !== null);
  if (candidates.length < 2 || !isLabelled || view.hollow) return guess;
  tell(`Trying ${candidates.length} normalizations on labelled images.`);
  const tried = await tryPreprocessings({ ...rest, data, candidates }, () => {}, signal);
  if (!tried.ok) {
    tell(`They could not be tried: ${tried.failure.message}`);
    return guess;
  }
  for (const { candidate, correct, images } of tried.value)
    tell(`  ${correct} of ${images} right: ${candidateName(candidate)}`);
  const best = bestCandidate(tried.value);
  return best
    ? { preprocessing: best.candidate.preprocessing, reasons: reasonsWithScore(best, candidates.length) }
    : guess;
}
