/** Does at once what a generator does in parts, between which others could have had a turn. */
export function finish<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
