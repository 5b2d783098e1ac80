import type { DeviceEvent, DeviceSignal, Environment } from '../study/trial.ts';

/** The battery interface, which only some browsers have. */
interface Battery extends EventTarget {
  readonly level: number;
  readonly charging: boolean;
}

type Pressure = Extract<DeviceEvent, { kind: 'pressure' }>['state'];

/** The Compute Pressure interface, which only some browsers have. */
interface PressureObserver {
  observe(source: 'cpu', options: { readonly sampleInterval: number }): Promise<void>;
  disconnect(): void;
}

type PressureObserverClass = new (
  onRecords: (records: readonly { readonly state: Pressure }[]) => void,
) => PressureObserver;

/** Collects what the browser tells of the device while a study runs. */
export interface DeviceWatch {
  /** What happened since this was last asked, in order. */
  take(): readonly DeviceEvent[];
  /** The study was paused: the device could rest. */
  notePause(): void;
  stop(): void;
}

/** Finer intervals cost the device more than they tell. */
const pressureIntervalMs = 1000;

/** Watches the page's visibility, and battery and pressure where the browser tells them. */
export function watchDevice(): DeviceWatch {
  const ends = new AbortController();
  const { signal } = ends;
  let events: DeviceEvent[] = [];
  const note = (event: DeviceEvent): void => {
    if (!signal.aborted) events.push(event);
  };
  const noteVisibility = () =>
    note({ kind: document.hidden ? 'page-hidden' : 'page-shown', atMs: Date.now() });
  document.addEventListener('visibilitychange', noteVisibility, { signal });
  if (document.hidden) noteVisibility();
  void watchBattery(note, signal);
  void watchPressure(note, signal);
  return {
    take: () => {
      const taken = events;
      events = [];
      return taken;
    },
    notePause: () => note({ kind: 'paused', atMs: Date.now() }),
    stop: () => ends.abort(),
  };
}

/** Which of these the browser tells here, and why not. */
export async function detectSignals(): Promise<NonNullable<Environment['signals']>> {
  return { battery: await detectBattery(), pressure: detectPressure() };
}

async function detectBattery(): Promise<DeviceSignal> {
  if (batteryGetter() === null) return { available: false, reason: missing('battery') };
  return (await battery())
    ? { available: true }
    : { available: false, reason: 'the browser refuses to tell of the battery' };
}

function detectPressure(): DeviceSignal {
  return pressureClass() === null ? { available: false, reason: missing('pressure') } : { available: true };
}

function missing(signal: keyof NonNullable<Environment['signals']>): string {
  if (!isSecureContext) return 'it needs a secure page (HTTPS)';
  return signal === 'battery'
    ? 'this browser does not tell of the battery'
    : 'this browser does not tell how busy the CPU is';
}

function batteryGetter(): (() => Promise<Battery>) | null {
  const { getBattery } = navigator as { getBattery?: () => Promise<Battery> };
  return getBattery ? getBattery.bind(navigator) : null;
}

async function battery(): Promise<Battery | null> {
  try {
    return (await batteryGetter()?.()) ?? null;
  } catch {
    return null;
  }
}

async function watchBattery(note: (event: DeviceEvent) => void, signal: AbortSignal): Promise<void> {
  const found = await battery();
  if (found === null) return;
  const noteBattery = () =>
    note({ kind: 'battery', atMs: Date.now(), level: found.level, charging: found.charging });
  found.addEventListener('levelchange', noteBattery, { signal });
  found.addEventListener('chargingchange', noteBattery, { signal });
  noteBattery();
}

function pressureClass(): PressureObserverClass | null {
  const { PressureObserver } = globalThis as { PressureObserver?: PressureObserverClass };
  return PressureObserver ?? null;
}

async function watchPressure(note: (event: DeviceEvent) => void, signal: AbortSignal): Promise<void> {
  const Observer = pressureClass();
  if (Observer === null) return;
  let last: Pressure | null = null;
  const observer = new Observer((records) => {
    for (const { state } of records) {
      if (state !== last) note({ kind: 'pressure', atMs: Date.now(), state });
      last = state;
    }
  });
  try {
    await observer.observe('cpu', { sampleInterval: pressureIntervalMs });
  } catch {
    // Not told on this device: the study runs all the same.
    return;
  }
  if (signal.aborted) observer.disconnect();
  else signal.addEventListener('abort', () => observer.disconnect());
}
