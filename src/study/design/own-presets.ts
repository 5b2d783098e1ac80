import { isIdentity } from '../../transforms/recipe.ts';
import { defaultRecipes } from '../default-strategies.ts';
import { protocolSentence } from '../measuring/protocol-text.ts';
import { PROTOCOLS } from '../plan.ts';
import { PRESET_BASE, type PresetModel, type PresetRecipes, type StudyPreset, whole } from './preset.ts';
import { METRICS } from './preset-metrics.ts';

export const quickLook: StudyPreset = {
  id: 'quick-look',
  title: 'Quick look',
  source: null,
  note: 'A first front within a minute on small models: the ticked strategies, or a set that suits the model.',
  steps: ['The ticked strategies, or a first set that suits the model.', protocolSentence(PROTOCOLS.quick)],
  metrics: [METRICS.median, METRICS.quality, METRICS.size, METRICS.gzipped, METRICS.memory],
  differences: [],
  protocol: () => PROTOCOLS.quick,
  placements: [null],
  recipesFor: chosenOrDefault,
};

export const standard: StudyPreset = {
  id: 'standard',
  title: 'Standard',
  source: null,
  note: 'The ticked strategies, or a set that suits the model, until the differences can be trusted.',
  steps: [
    'The ticked strategies, or a first set that suits the model.',
    protocolSentence(PROTOCOLS.standard),
  ],
  metrics: [
    METRICS.median,
    METRICS.p90,
    METRICS.quality,
    METRICS.size,
    METRICS.gzipped,
    METRICS.memory,
    METRICS.preparing,
  ],
  differences: [],
  protocol: () => PROTOCOLS.standard,
  placements: [null],
  recipesFor: chosenOrDefault,
};

/** Chosen strategies of which each may take half an hour without anybody having asked for so long. */
const MOST_SUSTAINED = 2;

export const sustained: StudyPreset = {
  id: 'sustained',
  title: 'Sustained',
  source: null,
  note: 'Thirty minutes without rest: does the device get hot, and slow?',
  steps: [
    'Each strategy runs for 30 minutes without rest, one after the other; 100 or more inferences of each minute are kept.',
    'Warm-up until latency is steady, 10 to 100 runs.',
    'Accuracy on up to 500 images.',
  ],
  metrics: [
    METRICS.median,
    METRICS.p90,
    {
      label: 'latency over time, with the start of throttling (Pictures, samples.csv)',
      csv: ['round_spread'],
    },
    METRICS.battery,
    METRICS.quality,
  ],
  differences: [],
  protocol: () => ({
    ...PRESET_BASE,
    accuracyImages: 500,
    warmUpRuns: 10,
    mostWarmUpRuns: 100,
    rounds: 30,
    samplesPerRound: 100,
    order: 'sequential',
    sustained: { durationMs: 30 * 60_000 },
  }),
  placements: [null],
  recipesFor: ({ chosen }) => ({
    recipes: [whole, ...chosen.filter(({ recipe }) => !isIdentity(recipe)).slice(0, MOST_SUSTAINED - 1)],
    leftOut: chosen
      .filter(({ recipe }) => !isIdentity(recipe))
      .slice(MOST_SUSTAINED - 1)
      .map(({ name }) => ({
        name,
        reason: 'another 30 minutes; add it to the recipes of the plan if you wish',
      })),
  }),
};

function chosenOrDefault({ view, chosen }: PresetModel): PresetRecipes {
  return { recipes: chosen.length > 0 ? chosen : defaultRecipes(view), leftOut: [] };
}
