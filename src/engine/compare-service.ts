import * as Comlink from 'comlink';
import { defined } from '../base/assert.ts';
import { attempt } from '../base/result.ts';
import type { CompareApi } from '../protocol/compare-api.ts';
import type { ActivationPort, ActivationSink } from '../protocol/sketch-api.ts';
import { Comparison } from '../study/quality/compared.ts';
import { handedBack } from './send-activations.ts';

/** Numbers of an image, and whom to tell that they are not needed any more. */
interface Arrived {
  readonly numbers: readonly Float32Array[];
  readonly done: () => void;
}

/** Compares one variant with its float model. */
export function createCompareService(): CompareApi {
  const comparisons = new Map<string, Comparison>();

  return {
    receive: (original, variant, values, unrounded, withHistograms) =>
      attempt(() => {
        for (const value of values) comparisons.set(value, new Comparison(withHistograms));
        const waiting: [Arrived[], Arrived[]] = [[], []];
        const compare = () => {
          const [first, second] = [waiting[0].shift(), waiting[1].shift()];
          if (first === undefined || second === undefined) return;
          values.forEach((value, at) => {
            const before = unrounded[at] ?? null;
            defined(comparisons.get(value), value).add(
              defined(first.numbers[at], value),
              defined(second.numbers[at], value),
              before === null ? null : defined(second.numbers[before], value),
            );
          });
          first.done();
          second.done();
        };
        const listen = (port: ActivationPort, queue: Arrived[]) => {
          const arrived = (numbers: readonly Float32Array[]) =>
            new Promise<void>((resolve) => {
              queue.push({ numbers, done: resolve });
              if (waiting.every(({ length }) => length > 0)) compare();
            });
          const add: ActivationSink['add'] = async (images) => {
            await Promise.all(images.map(arrived));
            return handedBack(images);
          };
          // The engine waits for the answer before it sends the next images.
          Comlink.expose({ add } satisfies ActivationSink, port as MessagePort);
        };
        listen(original, waiting[0]);
        listen(variant, waiting[1]);
        return null;
      }),

    outcome: () => attempt(() => [...comparisons].map(([name, each]) => each.outcome(name))),
  };
}
