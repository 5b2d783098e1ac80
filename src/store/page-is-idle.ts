/** Resolves when the page has nothing to draw or to work on, at the latest after `longestMs`. */
export function pageIsIdle(longestMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Not every browser tells.
    if ('requestIdleCallback' in globalThis) requestIdleCallback(() => resolve(), { timeout: longestMs });
    else setTimeout(resolve, longestMs / 5);
  });
}
