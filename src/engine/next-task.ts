const { port1, port2 } = new MessageChannel();

/**
 * Gives waiting messages and an ending worker their turn: WASM inference never returns to the event loop by
 * itself. A message, because timers are throttled.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });
}
