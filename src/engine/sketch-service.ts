import * as Comlink from 'comlink';
import { defined } from '../base/assert.ts';
import { attempt } from '../base/result.ts';
import type { ActivationSink, SketchApi } from '../protocol/sketch-api.ts';
import { handedBack } from './send-activations.ts';
import { rangeOf } from '../transforms/quantize/calibrate/range-of.ts';
import { addToSketch, emptySketch, type ValueSketch } from '../transforms/quantize/calibrate/value-sketch.ts';

/** Keeps the sketches of one model's values for as long as the worker lives. */
export function createSketchService(): SketchApi {
  const sketches = new Map<string, ValueSketch>();

  return {
    receive: (port, values) =>
      attempt(() => {
        for (const value of values) sketches.set(value, emptySketch());
        const receiving = values.map((value) => defined(sketches.get(value), value));
        const sink: ActivationSink = {
          add: (images) => {
            for (const image of images) {
              for (const [at, each] of image.entries()) addToSketch(defined(receiving[at], 'a sketch'), each);
            }
            return Promise.resolve(handedBack(images));
          },
        };
        Comlink.expose(sink, port as MessagePort);
        return null;
      }),

    ranges: (values, method) =>
      attempt(() => {
        const known = values.map((value) => [value, defined(sketches.get(value), value)] as const);
        const isFinite = ([, sketch]: (typeof known)[number]): boolean => sketch.notFinite === 0;
        return {
          ranges: known.filter(isFinite).map(([value, sketch]) => [value, rangeOf(sketch, method)] as const),
          notFinite: known.filter((each) => !isFinite(each)).map(([value]) => value),
        };
      }),
  };
}
