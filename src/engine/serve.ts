import * as Comlink from 'comlink';
import type { LifeSign } from '../protocol/life-sign.ts';

/**
 * Exposes an API to the page that spawned this worker. A worker that dies of memory or closes itself tells
 * nobody, and a busy one cannot answer a heartbeat; but its Web Lock is released only when it ends, so it
 * takes one and tells its name.
 */
export function serve(api: object): void {
  Comlink.expose(api);
  // Absent on pages that are not secure: there `error` events and deadlines must do.
  const locks: LockManager | undefined = navigator.locks;
  if (locks === undefined) return;
  const lockName = `worker-life-${crypto.randomUUID()}`;
  void locks.request(lockName, () => {
    self.postMessage({ kind: 'life-sign', lockName } satisfies LifeSign);
    return new Promise<void>(() => {});
  });
}
