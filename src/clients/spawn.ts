import * as Comlink from 'comlink';
import { cancellation, failed, type Failure, type Result, toFailure } from '../base/result.ts';
import type { LifeSign } from '../protocol/life-sign.ts';

/** A worker's API on the page's side. */
export interface Client<Api> {
  /**
   * The worker's functions. Calls never reject and never hang: a worker that crashes, is ended or falls silent
   * resolves every call under way, and all later ones, to a `Failure`.
   * Codes: `worker-crashed`, `worker-timeout`, `cancelled`.
   */
  readonly api: Api;
  /** Ends the worker at once, whatever it is doing, and gives its memory back. Calls resolve as `cancelled`. */
  terminate(): void;
}

type AsyncFunction = (...args: never[]) => Promise<unknown>;

/** Long enough for any single step on a slow phone; progress reports start it anew. */
const defaultDeadlineMs = 15 * 60_000;

/**
 * Wraps a worker. Every function of `Api` must return a `Promise<Result>`; functions among the arguments
 * are progress callbacks and run on this side.
 * @param what the worker's job, for messages: `the engine`
 * @param deadlineMs a call without an answer or progress for this long ends the worker
 */
export function wrapWorker<Api extends { readonly [K in keyof Api]: AsyncFunction }>(
  worker: Worker,
  what: string,
  deadlineMs: number = defaultDeadlineMs,
): Client<Api> {
  const remote = Comlink.wrap(worker) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const pending = new Set<(outcome: Result<never>) => void>();
  let ended: Failure | null = null;

  function end(failure: Failure): void {
    if (ended !== null) return;
    ended = failure;
    worker.terminate();
    for (const resolve of pending) resolve(failed(failure));
    pending.clear();
  }

  function call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (ended !== null) return Promise.resolve(failed(ended));
    return new Promise((resolve) => {
      pending.add(resolve);
      const timeOut = () => end(silence(what, deadlineMs));
      let timer = setTimeout(timeOut, deadlineMs);
      const postpone = () => {
        clearTimeout(timer);
        timer = setTimeout(timeOut, deadlineMs);
      };
      let isSettled = false;
      const settle = (outcome: unknown) => {
        isSettled = true;
        clearTimeout(timer);
        pending.delete(resolve);
        resolve(outcome);
      };
      // Progress takes another way than the result and may come after it, when nobody expects it any more.
      const report = (listener: Listener) =>
        Comlink.proxy((...told: unknown[]) => {
          if (isSettled || ended !== null) return;
          postpone();
          listener(...told);
        });
      const wrapped = args.map((arg) => (isListener(arg) ? report(arg) : arg));
      (remote[method] as (...args: unknown[]) => Promise<unknown>)(...wrapped).then(
        settle,
        (thrown: unknown) => settle(failed(toFailure(thrown))),
      );
    });
  }

  worker.addEventListener('error', (event) => {
    event.preventDefault();
    end(crash(what, event.message || 'it could not be started'));
  });
  worker.addEventListener('messageerror', () => end(crash(what, 'a message could not be read')));
  worker.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (!isLifeSign(event.data)) return;
    // Granted when the worker has ended; never earlier, since it took the lock before it said so.
    void navigator.locks.request(event.data.lockName, () => end(crash(what, 'it ended without a word')));
  });

  const api = new Proxy({} as Api, {
    // An object with `then` would be taken for a promise by `await`.
    get: (_target, method) =>
      typeof method === 'string' && method !== 'then'
        ? (...args: unknown[]) => call(method, args)
        : undefined,
  });
  return {
    api,
    terminate: () => end(cancellation(`The work of ${what}`)),
  };
}

type Listener = (...args: unknown[]) => unknown;

function isListener(argument: unknown): argument is Listener {
  return typeof argument === 'function';
}

function isLifeSign(message: unknown): message is LifeSign {
  return typeof message === 'object' && message !== null && (message as LifeSign).kind === 'life-sign';
}

function crash(what: string, reason: string): Failure {
  return {
    code: 'worker-crashed',
    message: `The worker of ${what} crashed: ${reason}.`,
    hint: 'Usually the memory did not suffice: close other tabs or choose a smaller model, then try again.',
  };
}

function silence(what: string, deadlineMs: number): Failure {
  return {
    code: 'worker-timeout',
    message: `The worker of ${what} gave no answer for ${Math.round(deadlineMs / 1000)} s and was ended.`,
    hint: 'Choose a smaller model or fewer images, then try again.',
  };
}
