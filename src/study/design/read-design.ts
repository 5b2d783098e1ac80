import { InputError } from '../../base/result.ts';
import { perhaps } from '../../transforms/nearest-name.ts';
import {
  amount,
  exactly,
  list,
  nullable,
  object,
  oneOf,
  optional,
  parseVersioned,
  positive,
  type Reader,
  refuse,
  text,
} from '../json-reader.ts';
import { readPlacement } from '../placement/read-placement.ts';
import { readInputSize, readProtocol, readProvider, readRecipe, readStudiedModel } from '../study-json.ts';
import { cellsOf, type DesignRecipe, type StudyDesign } from './design.ts';
import { PRESET_IDS } from './preset-ids.ts';

/** A plan as text, readable by `parseDesign` and by people. */
export function serialiseDesign(design: StudyDesign): string {
  const keys = new Set(cellsOf(design).map(({ key }) => key));
  // What was excluded of an entry that is gone since means nothing.
  const excluded = design.excluded.filter((key) => keys.has(key));
  return `${JSON.stringify({ ...design, excluded }, null, 2)}\n`;
}

const readThreads: Reader<number> = (json, path) => {
  const threads = positive(json, path);
  return Number.isInteger(threads) && threads <= 64
    ? threads
    : refuse(json, path, 'a whole number from 1 to 64, or "auto"');
};

/** `auto`, or what the reader reads. */
function automaticOr<T>(read: Reader<T>): Reader<T | 'auto'> {
  return (json, path) => (json === 'auto' ? 'auto' : read(json, path));
}

/** A list with at least one entry. */
function some<T>(read: Reader<T>): Reader<readonly T[]> {
  const all = list(read);
  return (json, path) => {
    const entries = all(json, path);
    return entries.length > 0 ? entries : refuse(json, path, 'at least one entry');
  };
}

const readDesign = exactly(
  object<StudyDesign>({
    format: oneOf('paretoscope-plan'),
    formatVersion: oneOf(1),
    name: text,
    preset: optional(oneOf(...PRESET_IDS)),
    models: some(readStudiedModel),
    dataset: nullable(object({ datasetId: text, datasetName: text })),
    recipes: some(
      exactly(object<DesignRecipe>({ name: text, recipe: readRecipe, modelIds: optional(list(text)) })),
    ),
    placements: some(nullable(readPlacement)),
    providers: some(automaticOr(readProvider)),
    threads: some(automaticOr(readThreads)),
    inputSizes: some(nullable(readInputSize)),
    excluded: list(text),
    order: oneOf('as-listed', 'information'),
    budgetMs: nullable(amount),
    protocol: exactly(readProtocol),
  }),
);

/**
 * A plan from the text of a plan.json.
 * @throws InputError `plan-not-json`, `plan-newer-version`, or `plan-invalid` naming the path of what is wrong, what
 *   was found and what was wanted
 */
export function parseDesign(source: string): StudyDesign {
  const json = parseVersioned(source, 'plan');
  try {
    const design = readDesign(json, '');
    refuseTwice(design.recipes, 'recipes', ({ name }) => name);
    refuseTwice(design.models, 'models', ({ modelId }) => modelId);
    refuseTwice(design.placements, 'placements', (placement) => placement?.name ?? 'null');
    const { rounds, samplesPerRound, warmUpRuns, accuracyRepetitions = 1 } = design.protocol;
    refuseOutside(rounds, 'rounds', 1, MOST.rounds);
    refuseOutside(samplesPerRound, 'samplesPerRound', 1, MOST.samplesPerRound);
    refuseOutside(warmUpRuns, 'warmUpRuns', 0, MOST.warmUpRuns);
    refuseOutside(accuracyRepetitions, 'accuracyRepetitions', 1, MOST.accuracyRepetitions);
    refuseUnknownModels(design);
    refuseUnknownCells(design);
    return design;
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    throw new InputError({ ...thrown.failure, code: 'plan-invalid' });
  }
}

/** More of these nobody has the time or memory for. */
export const MOST = {
  rounds: 10_000,
  samplesPerRound: 100_000,
  warmUpRuns: 100_000,
  accuracyRepetitions: 1000,
} as const;

function refuseOutside(value: number, field: string, least: number, most: number): void {
  if (value < least || value > most) refuse(value, `protocol.${field}`, `${least} to ${most}`);
}

function refuseTwice<T>(entries: readonly T[], path: string, nameOf: (entry: T) => string): void {
  const names = entries.map(nameOf);
  const twice = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twice >= 0) refuse(names[twice], `${path}[${twice}]`, 'each only once');
}

function refuseUnknownModels({ recipes, models }: StudyDesign): void {
  const known = new Set(models.map(({ modelId }) => modelId));
  recipes.forEach(({ modelIds = [] }, index) => {
    const stranger = modelIds.findIndex((modelId) => !known.has(modelId));
    if (stranger >= 0)
      refuse(
        modelIds[stranger],
        `recipes[${index}].modelIds[${stranger}]`,
        'the modelId of a model of the plan',
      );
  });
}

/** An excluded cell that is none of the plan is a misspelt one: it would be measured. */
function refuseUnknownCells(design: StudyDesign): void {
  const keys = new Set(cellsOf(design).map(({ key }) => key));
  design.excluded.forEach((key, index) => {
    if (!keys.has(key))
      refuse(key, `excluded[${index}]`, `the key of a cell of the plan${perhaps(key, keys)}`);
  });
}
