import type * as OrtModule from 'onnxruntime-web/wasm';
import { InputError } from '../base/result.ts';
import { identityModelBytes } from './identity-model.ts';
import type { Provider } from '../study/trial.ts';

/** The runtime's module; both builds have the same exports. */
export type Ort = typeof OrtModule;

/** External data of a model, by the location its tensors name. */
export type ExternalData = readonly { readonly path: string; readonly data: Uint8Array }[];

/** How a session is to be made. */
export interface SessionChoices {
  readonly externalData?: ExternalData | undefined;
  /** For `Runtime.endProfile`. */
  readonly isProfiled?: boolean | undefined;
  /** Outputs that are only fed to other sessions: on WebGPU they are not read back. */
  readonly outputsThatStay?: readonly string[];
}

/** ONNX Runtime Web, started in this worker for one provider and thread count. */
export interface Runtime {
  readonly ort: Ort;
  readonly threadsUsed: number;
  createSession(modelBytes: Uint8Array, options?: SessionChoices): Promise<OrtModule.InferenceSession>;
  /** Ends the profile of a session that was made with one; lines of `parseRuntimeProfile`. */
  endProfile(session: OrtModule.InferenceSession): readonly string[];
  /** Size of the WASM heap. It never shrinks, so this is also the peak. */
  heapBytes(): number;
  /** What the runtime logged since the last call. */
  takeLog(): string[];
}

/**
 * Starts the runtime: loads its JavaScript and WASM, the threads, and the provider.
 * Once in a worker's life: the thread count is fixed then, and a failed start cannot be repeated.
 * @throws InputError `provider-unavailable`, `threads-failed` (try again with one thread in a fresh worker),
 *   `runtime-failed`
 */
export async function startRuntime(provider: Provider, threads: number): Promise<Runtime> {
  await requireProvider(provider);
  const heapBytes = watchWasmMemory();
  const log = captureRuntimeLog();
  // Never the package's bare import: that is the older JSEP backend, with wrong float16 results.
  const ort: Ort =
    provider === 'wasm' ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web/webgpu');
  // Workers are served from a folder below the site's root, in development and built alike.
  ort.env.wasm.wasmPaths = new URL('../ort/', self.location.href).href;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  // Some phones never finish starting threads; the download of the WASM counts too.
  ort.env.wasm.initTimeout = 120_000;

  const createSession: Runtime['createSession'] = (modelBytes, choices = {}) => {
    const { externalData, isProfiled = false, outputsThatStay = [] } = choices;
    return ort.InferenceSession.create(modelBytes, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      enableProfiling: isProfiled,
      ...(externalData && { externalData: externalData.map((file) => ({ ...file })) }),
      ...(provider === 'webgpu' &&
        outputsThatStay.length > 0 && { preferredOutputLocation: onGpu(outputsThatStay) }),
    });
  };
  try {
    // The first session starts everything; a model that does nothing keeps that out of `sessionCreateMs`.
    const session = await createSession(identityModelBytes());
    await session.release();
  } catch (thrown) {
    throw startFailure(thrown, provider, threads);
  }
  // The runtime sets it to 1 itself where threads are not possible.
  return {
    ort,
    threadsUsed: ort.env.wasm.numThreads ?? 1,
    createSession,
    endProfile: (session) => log.printedBy(() => session.endProfiling()),
    heapBytes,
    takeLog: () => log.take(),
  };
}

function onGpu(names: readonly string[]): Record<string, 'gpu-buffer'> {
  // Names come from files, so no prototype.
  const locations = Object.create(null) as Record<string, 'gpu-buffer'>;
  for (const name of names) locations[name] = 'gpu-buffer';
  return locations;
}

function startFailure(thrown: unknown, provider: Provider, threads: number): InputError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  if (threads > 1) {
    return new InputError({
      code: 'threads-failed',
      message: `The runtime did not start with ${threads} threads: ${reason}`,
      hint: 'It can be tried with one thread.',
    });
  }
  return new InputError({
    code: 'runtime-failed',
    message: `The ${provider} runtime did not start: ${reason}`,
    hint: 'Reload the page; if it stays, update the browser.',
  });
}

/** Asks the browser first, since its own reason is clearer than the runtime's. */
async function requireProvider(provider: Provider): Promise<void> {
  const reason =
    provider === 'webgpu' ? await whyNoWebGpu() : provider === 'webnn' ? await whyNoWebNn() : null;
  if (reason === null) return;
  throw new InputError({
    code: 'provider-unavailable',
    message: `${provider === 'webgpu' ? 'WebGPU' : 'WebNN'} is not available: ${reason}`,
    hint: 'Choose the WASM provider.',
  });
}

async function whyNoWebGpu(): Promise<string | null> {
  if (!('gpu' in navigator)) return 'this browser does not offer it here';
  const adapter = await (navigator.gpu as { requestAdapter(): Promise<object | null> }).requestAdapter();
  return adapter === null ? 'the browser found no adapter' : null;
}

async function whyNoWebNn(): Promise<string | null> {
  if (!('ml' in navigator)) return 'this browser does not offer it';
  try {
    await (navigator.ml as { createContext(): Promise<object> }).createContext();
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/**
 * The runtime does not tell how large its heap is, but it has to construct one.
 * Call before the runtime is imported.
 * @returns reads the current size in bytes
 */
function watchWasmMemory(): () => number {
  const memories: WebAssembly.Memory[] = [];
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(target, args, newTarget) {
      const memory = Reflect.construct(target, args, newTarget) as WebAssembly.Memory;
      memories.push(memory);
      return memory;
    },
  });
  return () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
}

/** Keeps the runtime's log lines (they only ever go to the console) so that the lab can explain itself. */
function captureRuntimeLog() {
  let lines: string[] = [];
  let printed: string[] | null = null;
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    const original = console[method].bind(console);
    console[method] = (...parts: unknown[]) => {
      const text = parts.map(String).join(' ');
      if (printed !== null) printed.push(text);
      else if (/onnxruntime|WebAssembly|numThreads/.test(text)) {
        if (lines.length < 200) lines.push(text);
      } else original(...parts);
    };
  }
  return {
    take(): string[] {
      const taken = lines;
      lines = [];
      return taken;
    },
    /** All that is printed meanwhile: the runtime prints its profile instead of returning it. */
    printedBy(work: () => void): string[] {
      const all: string[] = [];
      printed = all;
      try {
        work();
      } finally {
        printed = null;
      }
      return all;
    },
  };
}
