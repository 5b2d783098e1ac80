import type { StudyControl } from './run-study.ts';
import { VisitEnded } from './strategy-runner.ts';
import type { Benches } from './study-benches.ts';
import type { StudyBook } from './study-book.ts';

/**
 * Learns how small everything measured can be packed; last, because compressing next to a timed run would disturb it.
 * A size that cannot be learnt stays unknown.
 */
export async function packTrials(book: StudyBook, benches: Benches, control: StudyControl): Promise<void> {
  const unknown = book
    .trials()
    .filter(({ state, size }) => state.kind === 'done' && size !== null && size.gzipBytes === null);
  let bytesLeft = unknown.reduce((sum, { size }) => sum + (size?.rawBytes ?? 0), 0);
  let bytesDone = 0;
  const startedMs = performance.now();
  for (const trial of unknown) {
    const { strategy, size } = trial;
    if (!size) continue;
    if (control.gate.isPaused) book.tell('paused', strategy, null);
    await control.gate.passed(control.signal);
    if (control.signal.aborted) return;
    const msPerByte = bytesDone > 0 ? (performance.now() - startedMs) / bytesDone : null;
    const remainingMs = msPerByte === null ? null : msPerByte * bytesLeft;
    book.tell('compressing', strategy, null, { remainingMs });
    const bench = await benches.of(trial);
    await benches.restIdle((other) => other === trial);
    bytesDone += size.rawBytes;
    bytesLeft -= size.rawBytes;
    if (!bench.ok) continue;
    const { runner, model } = bench.value;
    try {
      // The worker that learnt what the files need may have been ended since.
      await runner.prepare(strategy);
    } catch (thrown) {
      if (!(thrown instanceof VisitEnded)) throw thrown;
      continue;
    }
    const packed = await model.call((api) => api.packedBytes(strategy.recipe));
    if (!packed.ok) continue;
    book.update(strategy.id, { size: { ...size, ...packed.value } });
    await book.publish(strategy.id);
  }
}
