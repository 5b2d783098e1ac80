/** A gate that long work passes between two steps; closed, it holds the work there. */
export interface PauseGate {
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
  /** Resolves at once while open, else when opened again or aborted. */
  passed(signal: AbortSignal): Promise<void>;
}

/** An open gate. */
export function createPauseGate(): PauseGate {
  let opened: Promise<void> | null = null;
  let open = () => {};
  return {
    get isPaused() {
      return opened !== null;
    },
    pause() {
      opened ??= new Promise((resolve) => {
        open = resolve;
      });
    },
    resume() {
      open();
      opened = null;
    },
    async passed(signal) {
      // Paused again while waking up: wait again.
      while (opened && !signal.aborted) await Promise.race([opened, aborted(signal)]);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
