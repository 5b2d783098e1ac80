import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { openDatabase } from './database.ts';

/** How much this site may keep and keeps. */
export interface StorageStatus {
  readonly quotaBytes: number;
  readonly usedBytes: number;
  /** True: the browser will not delete it to make room. */
  readonly persisted: boolean;
}

/** Null where the browser does not tell. */
export async function storageStatus(): Promise<StorageStatus | null> {
  const manager = navigator.storage as StorageManager | undefined;
  if (!manager?.estimate) return null;
  const { quota = 0, usage = 0 } = await manager.estimate();
  return { quotaBytes: quota, usedBytes: usage, persisted: await manager.persisted() };
}

/** Asks the browser not to delete what is kept when it needs room; true if it agreed. */
export async function requestPersistence(): Promise<boolean> {
  const manager = navigator.storage as StorageManager | undefined;
  return (await manager?.persist?.()) ?? false;
}

/**
 * Runs a write. What was stored before stays whatever happens.
 * Codes: `storage-full` (the hint says what could be deleted), `storage-failed`, `cancelled` (by the signal alone).
 * @param what is being kept, for the message: `resnet152.onnx (241 MB)`
 */
export async function attemptWrite<T>(
  what: string,
  write: () => Promise<T>,
  { bytes = 0, signal }: { readonly bytes?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<Result<T>> {
  try {
    return ok(await underSharedLock(write));
  } catch (thrown) {
    if (signal?.aborted) return failed(cancellation(`Keeping ${what}`));
    if (isQuotaExceeded(thrown) || !(await hasRoomFor(bytes))) return failed(await storageFull(what));
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return failed({
      code: 'storage-failed',
      message: `${what} could not be kept on this device: ${reason}`,
      hint: 'It works until the page is closed. In a private window or with blocked site data nothing can be kept.',
    });
  }
}

/** Runs a clean-up unless some tab is writing; then it is skipped. */
export async function whenNobodyWrites(work: () => Promise<void>): Promise<void> {
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return;
  await locks.request(writeLock, { ifAvailable: true }, (lock) => (lock ? work() : undefined));
}

const writeLock = 'paretoscope-write';

/** Writers may be many; a clean-up must not take their half-written files for rubbish. */
async function underSharedLock<T>(work: () => Promise<T>): Promise<T> {
  // Absent on pages that are not secure, where nothing is cleaned up either.
  const locks = navigator.locks as LockManager | undefined;
  return locks ? await locks.request(writeLock, { mode: 'shared' }, work) : await work();
}

/** An aborted IndexedDB transaction carries the reason as its cause in some browsers, as itself in others. */
function isQuotaExceeded(thrown: unknown): boolean {
  if (!(thrown instanceof Error || thrown instanceof DOMException)) return false;
  return thrown.name === 'QuotaExceededError' || /quota|disk.*full|no space/i.test(thrown.message);
}

/**
 * Where the disk fills up in the midst of a write, browsers also tell of an aborted transaction or a broken pipe, so
 * room is asked for itself. A browser that does not tell how much there is has not said that it is too little.
 */
async function hasRoomFor(bytes: number): Promise<boolean> {
  const status = await storageStatus().catch(() => null);
  return status === null || status.usedBytes + bytes + reserveBytes <= status.quotaBytes;
}

/** Records and journals around a file need some room too. */
const reserveBytes = 1e6;

async function storageFull(what: string): Promise<Failure> {
  const status = await storageStatus().catch(() => null);
  const used = status
    ? ` ${formatBytes(status.usedBytes)} of ${formatBytes(status.quotaBytes)} are in use.`
    : '';
  const largest = await largestKept().catch(() => []);
  const list = largest.map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`).join(', ');
  return {
    code: 'storage-full',
    message: `There is no room on this device to keep ${what}.${used}`,
    hint: list
      ? `Delete something under This device, for instance ${list}.`
      : 'Free some space on the device.',
  };
}

async function largestKept(): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const database = await openDatabase();
  const models = await database.getAll('models');
  const datasets = await database.getAll('datasets');
  return [
    ...models.map(({ fileName, bytes }) => ({ name: fileName, bytes })),
    ...datasets.map(({ dataset, bytes }) => ({ name: dataset.name, bytes })),
  ]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3);
}
