import { cancellation, failed, ok, type Result } from '../base/result.ts';
import { pointsIn, type PruneQuestion, type PruneScan, withPoint } from '../study/prune-curves.ts';
import { untilChannelsGo } from '../transforms/order-of-effect.ts';
import { type GatedRun, openGates } from './run-gates.ts';

/** A scan of the channels that a recipe may remove. */
export interface PruningScan extends Omit<GatedRun, 'question'> {
  /** How many images were asked for. */
  readonly images: number;
  /** What is known already is not looked at again. */
  readonly known: PruneScan | null;
}

/** Questions of one pass: images are decoded and the whole model runs once for all of them. */
const MOST_AT_ONCE = 16;
/** The first answers come soon. */
const FIRST_AT_ONCE = 4;

/**
 * Closes the gates of one group of channels after the other, at several ratios, and sees what that does to the
 * scores: in one session, on the CPU.
 * @param onProgress told of the scan as far as it came, and of the part of all that is done
 * @param signal cancels at once; what was told stays true
 */
export async function scanPruning(
  { images, known, ...run }: PruningScan,
  onProgress: (scan: PruneScan, share: number) => void,
  signal: AbortSignal,
): Promise<Result<PruneScan>> {
  const { model, recipe } = run;
  const asked = await model.pruneQuestions(recipe);
  if (!asked.ok) return asked;
  if (signal.aborted) return failed(cancelled);
  const { subjects, questions, whole } = asked.value;
  const pointsOf = new Map(known?.curves.map(({ subject, points }) => [subject.at, points]));
  let scan: PruneScan = {
    curves: subjects.map((subject) => ({ subject, points: pointsOf.get(subject.at) ?? [] })),
    total: questions.length,
    images,
    whole,
    accuracy: known?.accuracy ?? null,
  };
  const shareDone = (): number => pointsIn(scan) / Math.max(1, questions.length);
  onProgress(scan, shareDone());
  const isKnown = ({ subject, unitsLeft }: PruneQuestion): boolean =>
    scan.curves[subject]?.points.some((point) => point.unitsLeft === unitsLeft) ?? false;
  const left = questions.filter((question) => !isKnown(question));
  if (left.length === 0) return ok(scan);
  const question = { channels: true, blocks: [] };
  const opened = await openGates({ ...run, recipe: untilChannelsGo(recipe).before, question }, signal);
  if (!opened.ok) return opened;
  try {
    for (let first = 0; first < left.length; ) {
      const some = left.slice(first, first + (first === 0 ? FIRST_AT_ONCE : MOST_AT_ONCE));
      first += some.length;
      const gates = await model.pruneGates(recipe, some);
      if (!gates.ok) return gates;
      const before = shareDone();
      const seen = await opened.value.ask(gates.value, (share) =>
        onProgress(scan, before + (share * some.length) / questions.length),
      );
      if (!seen.ok) return seen;
      scan = { ...scan, accuracy: seen.value.whole.accuracy };
      for (const [at, each] of some.entries()) {
        const effect = seen.value.settings[at];
        if (effect !== undefined) scan = withPoint(scan, each, effect);
      }
      onProgress(scan, shareDone());
    }
    return ok(scan);
  } finally {
    opened.value.close();
  }
}

const cancelled = cancellation('The scan');
