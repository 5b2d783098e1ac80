/** Work on the page's thread before it gets a turn: a frame stays within 34 ms. */
const sliceMs = 10;

/**
 * Does at intervals what a generator does in parts; the page answers meanwhile.
 * @returns null if it was not wanted to its end
 */
export async function inSlices<T>(
  work: Generator<void, T, void>,
  isWanted: () => boolean = () => true,
): Promise<T | null> {
  let startedMs = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() - startedMs < sliceMs) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (!isWanted()) return null;
    startedMs = performance.now();
  }
}
