import type { Result } from '../base/result.ts';
import type { RangeMethod } from '../transforms/quantize/calibrate/range-method.ts';
import type { ValueRange } from '../transforms/quantize/quantization.ts';

/**
 * Served by `workers/sketch.ts` (implementation `src/engine/sketch-service.ts`): what values were seen to hold. In a
 * worker of its own, so that numbers are counted while the engine is at the next image.
 */
export interface SketchApi {
  /**
   * Takes what comes through a port, to which `ActivationSink` is exposed, for the values named here, in order.
   */
  receive(port: ActivationPort, values: readonly string[]): Promise<Result<null>>;
  ranges(values: readonly string[], method: RangeMethod): Promise<Result<SketchedRanges>>;
}

/** By value, in the order they were asked for. */
export interface SketchedRanges {
  readonly ranges: readonly (readonly [value: string, ValueRange])[];
  /** Those that held numbers that are not finite: they have no range. */
  readonly notFinite: readonly string[];
}

/** A `MessagePort`, transferred; not every reader of this file compiles with that type. */
export interface ActivationPort {
  close(): void;
}

/** Where an engine puts what came out of images. */
export interface ActivationSink {
  /**
   * @param images for each the numbers of each value, in order; their buffers are transferred
   * @returns the same arrays in one list, whose memory is free again
   */
  add(images: readonly ImageActivations[]): Promise<readonly Float32Array<ArrayBuffer>[]>;
}

export type ImageActivations = readonly Float32Array<ArrayBuffer>[];
