import type { Environment, Provider } from '../study/trial.ts';
import { detectSignals } from './watch-device.ts';

/** Some browsers never answer some of these questions. */
const probeDeadlineMs = 3000;
const wasmPageBytes = 65_536;

/** What this browser on this device offers; every probe has a deadline, so this takes a few seconds at worst. */
export async function detectEnvironment(): Promise<Environment> {
  const [webgpu, webnn, storage, signals] = await Promise.all([
    within(probeWebGpu(), { available: false, reason: 'the browser gave no answer' } as const),
    within(probeWebNn(), { available: false, reason: 'the browser gave no answer' } as const),
    within(probeStorage(), null),
    within(detectSignals(), undefined),
  ]);
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return {
    userAgent: navigator.userAgent,
    platform: platformName(),
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    hardwareConcurrency: navigator.hardwareConcurrency || 1,
    deviceMemoryGb: deviceMemory ?? null,
    timerResolutionUs: timerResolutionUs(() => performance.now()),
    wasm: {
      simd: WebAssembly.validate(simdModule),
      threads: canShareMemory(),
      maxHeapBytes: maxHeapBytes(),
    },
    webgpu,
    webnn,
    storage,
    ...(signals && { signals }),
    // Set by the build.
    runtimeVersion: String(import.meta.env.RUNTIME_VERSION),
    appVersion: String(import.meta.env.APP_VERSION),
  };
}

/**
 * Threads to run with on WASM: the cores, at most four (small models gain nothing beyond, and more threads than
 * cores is slower than one); one where memory cannot be shared.
 */
export function chooseThreads(environment: Environment): number {
  return environment.wasm.threads ? Math.max(1, Math.min(environment.hardwareConcurrency, 4)) : 1;
}

/**
 * The provider to start with: WebGPU where it is real hardware, and the model has enough work to be worth
 * shipping to it; else WASM. A guess to be corrected by measuring both.
 * @param macs multiply-accumulates of one inference
 */
export function chooseProvider(environment: Environment, macs: number): Provider {
  const hasGpu = environment.webgpu.available && !environment.webgpu.isFallback;
  // Safari on iOS runs WASM reliably, while WebGPU crashes or fills the memory there.
  const isIos = /iP(hone|ad|od)/.test(environment.userAgent);
  return hasGpu && !isIos && macs >= worthGpuMacs ? 'webgpu' : 'wasm';
}

/** Below about this much work the GPU's dispatch and read-back outweigh it. */
const worthGpuMacs = 100e6;

/**
 * The smallest step of a clock.
 * @param now milliseconds
 * @returns microseconds
 */
export function timerResolutionUs(now: () => number): number {
  let smallestMs = Number.POSITIVE_INFINITY;
  const startedMs = now();
  for (let last = startedMs; last - startedMs < 5; ) {
    const current = now();
    if (current > last) smallestMs = Math.min(smallestMs, current - last);
    last = current;
  }
  return Math.round(smallestMs * 1e4) / 10;
}

async function probeWebGpu(): Promise<Environment['webgpu']> {
  const gpu: GPU | undefined = navigator.gpu;
  if (gpu === undefined) {
    const reason = isSecureContext ? 'this browser does not offer WebGPU' : 'it needs a secure page (HTTPS)';
    return { available: false, reason };
  }
  try {
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return { available: false, reason: 'the browser found no adapter' };
    const { vendor, architecture, device, description } = adapter.info;
    return {
      available: true,
      adapter:
        [vendor, architecture, device, description].filter((part) => part !== '').join(' ') || 'unnamed',
      isFallback: adapter.info.isFallbackAdapter ?? false,
      shaderF16: adapter.features.has('shader-f16'),
      maxBufferBytes: adapter.limits.maxBufferSize,
    };
  } catch (thrown) {
    return { available: false, reason: reasonOf(thrown) };
  }
}

async function probeWebNn(): Promise<Environment['webnn']> {
  const { ml } = navigator as {
    ml?: { createContext(options: { deviceType: string }): Promise<unknown> };
  };
  if (ml === undefined) return { available: false, reason: 'this browser does not offer WebNN' };
  const devices: string[] = [];
  let reason = '';
  for (const deviceType of ['cpu', 'gpu', 'npu']) {
    try {
      await ml.createContext({ deviceType });
      devices.push(deviceType);
    } catch (thrown) {
      reason = reasonOf(thrown);
    }
  }
  return devices.length > 0 ? { available: true, devices } : { available: false, reason };
}

async function probeStorage(): Promise<Environment['storage']> {
  const manager: StorageManager | undefined = navigator.storage;
  if (manager === undefined) return null;
  const [{ quota = 0, usage = 0 }, persisted] = await Promise.all([manager.estimate(), manager.persisted()]);
  return { quotaBytes: quota, usedBytes: usage, persisted };
}

function platformName(): string {
  const { userAgentData } = navigator as { userAgentData?: { platform: string } };
  return userAgentData?.platform || navigator.platform;
}

function canShareMemory(): boolean {
  return (
    globalThis.crossOriginIsolated === true &&
    typeof SharedArrayBuffer !== 'undefined' &&
    WebAssembly.validate(atomicsModule)
  );
}

/** The largest heap the browser is willing to reserve: 4 GiB, less on some phones. Nothing is committed. */
function maxHeapBytes(): number {
  for (let pages = 65_536; pages >= 1024; pages /= 2) {
    try {
      new WebAssembly.Memory({ initial: 1, maximum: pages, shared: canShareMemory() });
      return pages * wasmPageBytes;
    } catch {
      // Too large for this device: try half.
    }
  }
  return 0;
}

function within<T, U>(probe: Promise<T>, otherwise: U): Promise<T | U> {
  const deadline = new Promise<U>((resolve) => setTimeout(() => resolve(otherwise), probeDeadlineMs));
  return Promise.race([probe.catch(() => otherwise), deadline]);
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** One function with `i8x16.splat` and `i8x16.popcnt`: valid only where fixed-width SIMD is. */
const simdModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
]);

/** A shared memory and `i32.atomic.load`: valid only where threads are. */
const atomicsModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254,
  16, 2, 0, 26, 11,
]);
