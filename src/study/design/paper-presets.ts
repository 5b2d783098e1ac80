import type { NamedRecipe, Operator, Recipe } from '../../transforms/recipe.ts';
import { protocolSentence } from '../measuring/protocol-text.ts';
import { type Exit, type LeftOut, mainExit, skipExit } from '../strategy-sets.ts';
import type { Protocol } from '../trial.ts';
import { PRESET_BASE, type PresetRecipes, type StudyPreset, whole } from './preset.ts';
import { METRICS } from './preset-metrics.ts';

const float16: Operator = { op: 'quantize', mode: 'float16' };
const dynamic: Operator = { op: 'quantize', mode: 'dynamic' };
const staticInt8: Operator = { op: 'quantize', mode: 'static', samples: 128 };
const cut: Operator = { op: 'partition', cut: 'equal-size' };
const zeros = (ratio: number): Operator => ({ op: 'prune', kind: 'unstructured', ratio });
const randomZeros = (ratio: number): Operator => ({
  op: 'prune',
  kind: 'unstructured',
  ratio,
  importance: 'random',
});
const channels = (ratio: number): Operator => ({ op: 'prune', kind: 'structured', ratio });

const LARGEST_IMAGES = 100;

export const blackBox: StudyPreset = {
  id: 'black-box',
  title: 'Black-box strategies',
  source: 'Singh, Adams, Hassan',
  note: 'Identity, quantized (Q), early exit (E), QE, partition (P) and QEP on mobile, edge, cloud and their pairs.',
  steps: [
    'The 100 largest images.',
    'A trial pass of 100 inferences warms up.',
    'Then five passes of 100 inferences, one strategy after the other.',
    'Sessions are rebuilt between strategies.',
    'Accuracy once, on all images.',
    'Q is static int8, calibrated on 128 images; E leaves out two blocks; P cuts into two parts of equal size.',
    'Identity, Q, E and QE run on each tier alone, P and QEP on each pair of tiers.',
  ],
  metrics: [
    METRICS.wholeWay,
    METRICS.parts,
    METRICS.sent,
    METRICS.speedUp,
    METRICS.quality,
    METRICS.size,
    METRICS.preparing,
  ],
  differences: [
    'Tiers and links are emulated from what is measured here, with the speed factors and links under Placement, or from studies of the devices themselves; the authors ran three machines.',
    'The order of strategies is that of the list, as theirs; drift therefore hits strategies unequally: the unchanged model is run in between to see it.',
  ],
  protocol: () => ({
    ...PRESET_BASE,
    warmUpRuns: LARGEST_IMAGES,
    rounds: 5,
    samplesPerRound: LARGEST_IMAGES,
    order: 'sequential',
    rebuildSessions: 'each-strategy',
    images: { kind: 'largest', count: LARGEST_IMAGES },
    perRound: 'all-images',
    referenceSamples: 5,
  }),
  placements: ['mobile', 'edge', 'cloud', 'mobile-edge', 'edge-cloud', 'mobile-cloud'],
  isPlaced: (parts, placement) => placement !== null && (parts === 1) === !placement.includes('-'),
  recipesFor: ({ view, trained }) => {
    const skip = skipExit(view);
    const exit = skip.kind === 'none' ? mainExit(view, trained) : skip;
    const leftOut: readonly LeftOut[] =
      skip.kind === 'none' && exit.kind !== 'none'
        ? [
            {
              name: 'E by skipping',
              reason: `there are no identical blocks to skip; E is ${exit.how} instead`,
            },
          ]
        : [];
    return combined(
      [
        ['Q', [staticInt8], false, []],
        ['E', [], true, []],
        ['QE', [staticInt8], true, []],
        ['P', [], false, [cut]],
        ['QEP', [staticInt8], true, [cut]],
      ],
      exit,
      leftOut,
    );
  },
};

/** Repetitions that count; the paper's eleven have the dropped first one besides. */
const COUNTED_REPETITIONS = 10;

export const edgeCompression: StudyPreset = {
  id: 'edge-compression',
  title: 'Compression on the edge',
  source: 'Rachmanto and others',
  note: 'float16, int8 and sparsity of 25, 50 and 75 % beside the unchanged model.',
  steps: [
    'int8 is static, calibrated on 128 images; sparse models have the smallest weights of each layer zeroed.',
    'Eleven repetitions over all images, one strategy after the other; the first is dropped.',
    'Latency is the total time of a repetition divided by its images: the mean latency in tables and files.',
    'Sessions are rebuilt between strategies.',
    'Accuracy is taken five times, on all images.',
  ],
  metrics: [
    METRICS.mean,
    METRICS.quality,
    METRICS.repeatedAccuracy,
    METRICS.compression,
    METRICS.size,
    METRICS.gzipped,
    METRICS.sparse,
  ],
  differences: [
    'The dropped repetition is the warm-up, so it is kept apart and no statistic uses it.',
    'Sparse weights are not fine-tuned after pruning: there is no training of whole models in a browser.',
  ],
  protocol: (images) => ({
    ...PRESET_BASE,
    warmUpRuns: images,
    rounds: COUNTED_REPETITIONS,
    samplesPerRound: images,
    order: 'sequential',
    rebuildSessions: 'each-strategy',
    perRound: 'all-images',
    accuracyRepetitions: 5,
  }),
  placements: [null],
  recipesFor: () => ({
    recipes: [
      whole,
      { name: 'fp16', recipe: [float16] },
      { name: 'int8', recipe: [staticInt8] },
      ...[0.25, 0.5, 0.75].map((ratio) => ({
        name: `sparse ${100 * ratio} %`,
        recipe: [zeros(ratio)],
      })),
    ],
    leftOut: [],
  }),
};

/** Interleaved rounds for studies that say what they measure, not how often. */
const interleaved = (): Protocol => ({
  ...PRESET_BASE,
  warmUpRuns: 10,
  mostWarmUpRuns: 100,
  rounds: 20,
  samplesPerRound: 15,
  referenceSamples: 5,
});
const INTERLEAVED_DIFFERENCE =
  'The strategies take turns in random order, so that drift and throttling hit all alike; the authors measured one after the other.';

export const cnnExits: StudyPreset = {
  id: 'cnn-exits',
  title: 'CNN optimisation with early exits',
  source: 'Fernandez and others',
  note: 'Pruning, static and dynamic quantization, early exits and their combinations, beside the original.',
  steps: [
    'Pruned: half of the weights of each layer, the smallest, are zero. Static int8 is calibrated on 128 images.',
    'E stops by confidence, 0.9, at exits of the model or trained ones; else two blocks are left out.',
    protocolSentence(interleaved()),
  ],
  metrics: [
    METRICS.size,
    METRICS.memory,
    METRICS.median,
    METRICS.quality,
    METRICS.speedUp,
    METRICS.exits,
    METRICS.preparing,
  ],
  differences: [
    INTERLEAVED_DIFFERENCE,
    'Exits are classifiers trained on the device over the frozen model; nothing is fine-tuned.',
  ],
  protocol: interleaved,
  placements: [null],
  recipesFor: ({ view, trained }) =>
    combined(
      [
        ['pruned', [zeros(0.5)], false, []],
        ['Q static', [staticInt8], false, []],
        ['Q dynamic', [dynamic], false, []],
        ['E', [], true, []],
        ['pruned+Q static', [zeros(0.5), staticInt8], false, []],
        ['pruned+Q dynamic', [zeros(0.5), dynamic], false, []],
        ['pruned+E', [zeros(0.5)], true, []],
        ['Q static+E', [staticInt8], true, []],
        ['Q dynamic+E', [dynamic], true, []],
        ['pruned+Q static+E', [zeros(0.5), staticInt8], true, []],
        ['pruned+Q dynamic+E', [zeros(0.5), dynamic], true, []],
      ],
      mainExit(view, trained),
      [],
    ),
};

export const convnext: StudyPreset = {
  id: 'convnext',
  title: 'ConvNeXt compression',
  source: 'a study of compressing ConvNeXt',
  note: 'Structured, L1 and random unstructured pruning, dynamic quantization, and both together.',
  steps: [
    'Structured: a quarter and half of the channels of each group, by L1 norm. Unstructured: half of the weights of each layer, the smallest (L1) or any (random).',
    'Dynamic quantization: weights in 8 bits, activations as they come.',
    protocolSentence(interleaved()),
  ],
  metrics: [
    METRICS.size,
    METRICS.params,
    METRICS.nonZero,
    METRICS.macs,
    METRICS.quality,
    METRICS.median,
    METRICS.speedUp,
  ],
  differences: [INTERLEAVED_DIFFERENCE, 'Pruned models are not fine-tuned.'],
  protocol: interleaved,
  placements: [null],
  recipesFor: () => ({
    recipes: [
      whole,
      ...[0.25, 0.5].map((ratio) => ({
        name: `structured ${100 * ratio} %`,
        recipe: [channels(ratio)],
      })),
      { name: 'L1 50 %', recipe: [zeros(0.5)] },
      { name: 'random 50 %', recipe: [randomZeros(0.5)] },
      { name: 'Q dynamic', recipe: [dynamic] },
      { name: 'structured 25 %+Q dynamic', recipe: [channels(0.25), dynamic] },
      { name: 'L1 50 %+Q dynamic', recipe: [zeros(0.5), dynamic] },
      { name: 'random 50 %+Q dynamic', recipe: [randomZeros(0.5), dynamic] },
    ],
    leftOut: [],
  }),
};

/** Name, what comes before the exit, whether there is one, and what comes after. */
type Combination = readonly [string, readonly Operator[], boolean, readonly Operator[]];

/** The unchanged model and combinations; those with an exit are left out where there is none. */
function combined(
  combinations: readonly Combination[],
  exit: Exit,
  leftOutBefore: readonly LeftOut[],
): PresetRecipes {
  const recipes: NamedRecipe[] = [whole];
  const leftOut = [...leftOutBefore];
  for (const [name, before, hasExit, after] of combinations) {
    if (hasExit && exit.kind === 'none') {
      leftOut.push({ name, reason: exit.reason });
      continue;
    }
    const recipe: Recipe = [...before, ...(hasExit && exit.kind !== 'none' ? [exit.step] : []), ...after];
    recipes.push({ name, recipe });
  }
  return { recipes, leftOut };
}
