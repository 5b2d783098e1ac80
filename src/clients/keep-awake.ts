/**
 * Keeps the screen on while a study runs: a phone that falls asleep stops its workers.
 * @returns lets it sleep again
 */
export function keepAwake(): () => void {
  // Absent on pages that are not secure and in older browsers.
  const wakeLock = navigator.wakeLock as WakeLock | undefined;
  let held: WakeLockSentinel | null = null;
  let isOver = false;
  const acquire = async () => {
    if (document.hidden || isOver) return;
    // Refused on a low battery, for instance: the study runs all the same.
    const lock = (await wakeLock?.request('screen').catch(() => null)) ?? null;
    if (isOver) await lock?.release();
    else held = lock;
  };
  // The browser takes the lock away whenever the page is hidden.
  const renew = () => void acquire();
  document.addEventListener('visibilitychange', renew);
  renew();
  return () => {
    isOver = true;
    document.removeEventListener('visibilitychange', renew);
    void held?.release();
  };
}
