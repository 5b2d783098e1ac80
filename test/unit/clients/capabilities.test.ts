import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseProvider, chooseThreads, timerResolutionUs } from '../../../src/clients/capabilities.ts';
import type { Environment } from '../../../src/study/trial.ts';

const desktop: Environment = {
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0',
  platform: 'Linux',
  crossOriginIsolated: true,
  hardwareConcurrency: 8,
  deviceMemoryGb: 8,
  timerResolutionUs: 5,
  wasm: { simd: true, threads: true, maxHeapBytes: 2 ** 32 },
  webgpu: {
    available: true,
    adapter: 'some gpu',
    isFallback: false,
    shaderF16: true,
    maxBufferBytes: 2 ** 30,
  },
  webnn: { available: false, reason: 'not offered' },
  storage: null,
  runtimeVersion: '1.30.0',
  appVersion: '0.1.0',
};

describe('timerResolutionUs', () => {
  it('finds the step of a coarse clock', () => {
    fc.assert(
      fc.property(fc.constantFrom(5, 20, 100, 1000), fc.integer({ min: 1, max: 50 }), (stepUs, jitterUs) => {
        let trueUs = 0;
        const coarseClock = () => {
          trueUs += jitterUs % stepUs || 1;
          return (Math.floor(trueUs / stepUs) * stepUs) / 1000;
        };
        // A clock never shows less than its step; reads further apart than the step show a multiple of it.
        expect(timerResolutionUs(coarseClock)).toBeCloseTo(stepUs, 5);
      }),
    );
  });
});

describe('chooseThreads', () => {
  it('takes the cores, at most four, and one without shared memory', () => {
    expect(chooseThreads(desktop)).toBe(4);
    expect(chooseThreads({ ...desktop, hardwareConcurrency: 2 })).toBe(2);
    expect(chooseThreads({ ...desktop, wasm: { ...desktop.wasm, threads: false } })).toBe(1);
  });
});

describe('chooseProvider', () => {
  it('takes a real GPU for models with enough work, and wasm otherwise', () => {
    expect(chooseProvider(desktop, 4e9)).toBe('webgpu');
    expect(chooseProvider(desktop, 1e6)).toBe('wasm');
    expect(chooseProvider({ ...desktop, webgpu: { available: false, reason: '' } }, 4e9)).toBe('wasm');
    const software = { ...desktop.webgpu, isFallback: true } as Environment['webgpu'];
    expect(chooseProvider({ ...desktop, webgpu: software }, 4e9)).toBe('wasm');
    expect(chooseProvider({ ...desktop, userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)' }, 4e9)).toBe(
      'wasm',
    );
  });
});
