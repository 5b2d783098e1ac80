import type { Protocol, Strategy, Trial } from '../trial.ts';

/** What must be the same of two trials, beside the recipe and where it runs, for their numbers to stand side by side. */
export const CONDITIONS = ['model', 'input size', 'images', 'preprocessing', 'protocol'] as const;

export type Condition = (typeof CONDITIONS)[number];

/** What a protocol says about the meaning of its numbers; how many there are and in which order is left out. */
type Meaning = Pick<
  Protocol,
  'images' | 'perRound' | 'sustained' | 'rebuildSessions' | 'accuracyImages' | 'accuracyRepetitions'
>;

/** Trials of equal text were made under a condition that is the same. */
export function conditionText(trial: Trial, condition: Condition): string {
  const { strategy, preprocessing } = trial;
  switch (condition) {
    case 'model':
      return strategy.modelId;
    case 'input size':
      return JSON.stringify(strategy.inputSize ?? null);
    case 'images':
      return trial.datasetId;
    case 'preprocessing':
      return stableJson(preprocessing);
    case 'protocol':
      return stableJson(meaningOf(trial.protocol));
  }
}

/** Trials of equal text may stand in one table: the same images, and numbers that mean the same. */
export function tableConditions(trial: Trial): string {
  return [conditionText(trial, 'images'), conditionText(trial, 'protocol')].join('\n');
}

/** What runs, wherever it runs; provider and threads are each device's own. */
export function workText({ recipe, placement }: Pick<Strategy, 'recipe' | 'placement'>): string {
  return stableJson([recipe, placement ?? null]);
}

/** What of two trials is not the same, as the ends of a sentence `… was measured with`. */
export function differenceText(here: Trial, there: Trial, condition: Condition): string {
  switch (condition) {
    case 'model':
      return `another model (${modelText(there)} instead of ${modelText(here)})`;
    case 'input size':
      return `another input size (${sizeText(there)} instead of ${sizeText(here)})`;
    case 'images':
      return `other images (${imagesText(there)} instead of ${imagesText(here)})`;
    case 'preprocessing':
      return `another preprocessing (${fieldsText(here.preprocessing, there.preprocessing)})`;
    case 'protocol':
      return `another protocol (${fieldsText(meaningOf(here.protocol), meaningOf(there.protocol))})`;
  }
}

function meaningOf(protocol: Protocol): Meaning {
  const { images, perRound, sustained, rebuildSessions, accuracyImages, accuracyRepetitions } = protocol;
  return {
    accuracyImages,
    ...(images && { images }),
    // What is left out means the same as what it stands for.
    ...(perRound === 'all-images' && { perRound }),
    ...(sustained && { sustained }),
    ...(rebuildSessions && { rebuildSessions }),
    ...(accuracyRepetitions !== undefined && accuracyRepetitions > 1 && { accuracyRepetitions }),
  };
}

const modelText = ({ modelName, strategy }: Trial): string => `${modelName}, ${strategy.modelId.slice(0, 8)}`;
const imagesText = ({ datasetName, datasetId }: Trial): string => `${datasetName}, ${datasetId.slice(0, 8)}`;
const sizeText = ({ preprocessing: { height, width } }: Trial): string => `${height}x${width}`;

/** What is not usual about how images are prepared for a trial: `mean: [0.4]`, against the usual `[0.5]`; empty if nothing. */
export function preparedOtherwise(trial: Trial, usual: Trial): string {
  return differing(usual.preprocessing, trial.preprocessing)
    .map(([name, , value]) => `${name}: ${value}`)
    .join(', ');
}

/** The fields that differ: `mean: [0.5] instead of [0.4]`. */
function fieldsText(here: object, there: object): string {
  return differing(here, there)
    .map(([name, one, other]) => `${name}: ${other} instead of ${one}`)
    .join(', ');
}

function differing(
  here: object,
  there: object,
): readonly (readonly [name: string, here: string, there: string])[] {
  const [a, b] = [new Map(Object.entries(here)), new Map(Object.entries(there))];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((name) => stableJson(a.get(name) ?? null) !== stableJson(b.get(name) ?? null))
    .map((name) => [name, shortJson(a.get(name)), shortJson(b.get(name))] as const);
}

function shortJson(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  const json = stableJson(value);
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}

/** JSON with sorted keys: files that were edited by hand may have them in another order. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
