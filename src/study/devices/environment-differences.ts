import { formatBytes } from '../../base/units.ts';
import type { Environment } from '../trial.ts';
import { browserName, type DeviceRun } from './device-runs.ts';
import { placeText } from './device-table.ts';

/** Something that is not the same on all devices. */
export interface EnvironmentDifference {
  readonly what: string;
  /** By device. */
  readonly values: readonly string[];
}

const FACTS: readonly { readonly what: string; readonly tell: (run: DeviceRun) => string }[] = [
  { what: 'System', tell: ({ environment }) => environment.platform || 'not told' },
  { what: 'Browser', tell: ({ environment: { userAgent } }) => browserName(userAgent)[0] ?? userAgent },
  { what: 'Cores', tell: ({ environment }) => String(environment.hardwareConcurrency) },
  {
    what: 'Memory',
    tell: ({ environment: { deviceMemoryGb } }) =>
      deviceMemoryGb === null ? 'not told' : `${deviceMemoryGb} GB or more`,
  },
  { what: 'Ran on', tell: ({ trials }) => [...new Set(trials.map(placeText))].join('; ') },
  { what: 'WebAssembly', tell: ({ environment }) => wasmText(environment) },
  { what: 'WebGPU', tell: ({ environment }) => webgpuText(environment) },
  {
    what: 'Isolated page',
    tell: ({ environment }) => (environment.crossOriginIsolated ? 'yes' : 'no: one thread, coarse timer'),
  },
  { what: 'Timer', tell: ({ environment }) => `${environment.timerResolutionUs} µs` },
  { what: 'onnxruntime-web', tell: ({ environment }) => environment.runtimeVersion },
  { what: 'Lab', tell: ({ environment }) => environment.appVersion },
  { what: 'Rounds', tell: ({ study: { protocol } }) => `${protocol.rounds} x ${protocol.samplesPerRound}` },
];

/** How the devices that were compared differ; what all have in common is left out. */
export function environmentDifferences(runs: readonly DeviceRun[]): readonly EnvironmentDifference[] {
  return FACTS.map(({ what, tell }) => ({ what, values: runs.map(tell) })).filter(
    ({ values }) => new Set(values).size > 1,
  );
}

function wasmText({ wasm }: Environment): string {
  const parts = [wasm.simd ? 'SIMD' : 'no SIMD', wasm.threads ? 'threads' : 'no threads'];
  return `${parts.join(', ')}, up to ${formatBytes(wasm.maxHeapBytes)}`;
}

function webgpuText({ webgpu }: Environment): string {
  if (!webgpu.available) return `none (${webgpu.reason})`;
  return `${webgpu.adapter || 'unnamed adapter'}${webgpu.isFallback ? ', in software' : ''}`;
}
