import type { SketchApi } from '../protocol/sketch-api.ts';
import { type Client, wrapWorker } from './spawn.ts';

export type SketchClient = Client<SketchApi>;

/** Starts a worker that counts what values hold. */
export function openSketchClient(): SketchClient {
  const worker = new Worker(new URL('../../workers/sketch.ts', import.meta.url), { type: 'module' });
  return wrapWorker<SketchApi>(worker, 'the calibration');
}
