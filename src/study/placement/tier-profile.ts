import { InputError } from '../../base/result.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { timedSamples } from '../metrics.ts';
import { segmentMs } from '../predict.ts';
import type { CostProfile } from '../profile/cost-profile.ts';
import { summarise } from '../statistics/summary.ts';
import type { DeviceProfile, Study, Trial } from '../trial.ts';
import { expectedCuts, expectedSegments, expectedWork } from './expected-work.ts';
import { arithmeticOf } from './predict-strategy.ts';
import type { MeasuredThere } from './tiers.ts';

/** What another device measured of a model, to stand for a tier. */
export interface TierProfile {
  /** For people. */
  readonly device: string;
  readonly studyName: string;
  readonly modelId: string;
  readonly modelName: string;
  /** Recipes that ran there. */
  readonly recipes: readonly (Omit<MeasuredThere, 'device' | 'source'> & { readonly recipe: Recipe })[];
  /** Costs of the model's nodes there, by arithmetic. */
  readonly nodes: readonly DeviceProfile[];
}

/**
 * What a study of another device tells about the open model.
 * @throws InputError `tier-other-model` if it is about another one, `tier-nothing-measured` if nothing ran there
 */
export function tierProfileOf(study: Study, view: GraphView): TierProfile {
  const { modelId, modelName, name } = study;
  if (modelId !== view.modelId) {
    throw new InputError({
      code: 'tier-other-model',
      message: `found a study about ${modelName}, wanted one about ${view.fileName}, the model that is open`,
      where: name,
      hint: `Measure ${view.fileName} on that device and take its study.json, or type a speed factor.`,
    });
  }
  const ran = study.trials.filter((trial) => timedSamples(trial).length > 0);
  const nodes = (study.profiles ?? []).filter(({ nodeMs }) => nodeMs.length === view.nodes.length);
  const [first] = study.trials;
  if (first === undefined || (ran.length === 0 && nodes.length === 0)) {
    throw new InputError({
      code: 'tier-nothing-measured',
      message: 'found a study in which nothing was measured, wanted at least one finished strategy',
      where: name,
      hint: 'Run the study on that device first.',
    });
  }
  return {
    device: deviceName(first),
    studyName: name,
    modelId,
    modelName,
    recipes: ran.filter(({ strategy }) => !isNested(strategy.recipe)).map(mediansOf),
    nodes,
  };
}

/**
 * What a device took for a recipe: as it ran there, else summed up from what the model's nodes took there; null if it
 * tells neither, as for one file that decides inside where to stop.
 */
export function measuredThere(
  { device, modelId, recipes, nodes }: TierProfile,
  view: GraphView,
  given: Recipe,
): MeasuredThere | null {
  if (modelId !== view.modelId || isNested(given)) return null;
  const text = JSON.stringify(normaliseRecipe(given));
  const ran = recipes.find(({ recipe }) => JSON.stringify(recipe) === text);
  if (ran) {
    const { recipe: _recipe, ...times } = ran;
    return { device, source: 'recipe', ...times };
  }
  const costs = nodes.find(({ arithmetic }) => arithmetic === arithmeticOf(given));
  const work = expectedWork(view, given);
  const { cuts, problem } = expectedCuts(work, given);
  if (!costs || problem !== null) return null;
  const { decodeMs, preprocessMs, postprocessMs } = costs;
  const times = expectedSegments(work, cuts).map((segment, at) => segmentMs(view, costs, segment, at));
  return { device, source: 'nodes', segmentMs: times, decodeMs, preprocessMs, postprocessMs };
}

/** A profile of this device as a study.json takes it along; null if no node was measured. */
export function deviceProfile(
  { nodeMs, decodeMs, preprocessMs, postprocessMs, imageBytes, source, ...costs }: CostProfile,
  place: Pick<DeviceProfile, 'provider' | 'threads' | 'arithmetic'>,
): DeviceProfile | null {
  if (source !== 'measured') return null;
  const { startMs, handOverMs, handOverMsPerByte } = costs;
  return {
    ...place,
    nodeMs: [...nodeMs],
    ...(startMs !== undefined && { startMs }),
    ...(handOverMs !== undefined && { handOverMs }),
    ...(handOverMsPerByte !== undefined && { handOverMsPerByte }),
    decodeMs,
    preprocessMs,
    postprocessMs,
    imageBytes,
  };
}

function mediansOf(trial: Trial): TierProfile['recipes'][number] {
  const samples = timedSamples(trial);
  const median = (values: readonly number[]): number => summarise(values)?.median ?? 0;
  const segments = samples.reduce((most, { segmentMs }) => Math.max(most, segmentMs.length), 0);
  return {
    recipe: normaliseRecipe(trial.strategy.recipe),
    // Where an exit was taken the later segments did not run.
    segmentMs: Array.from({ length: segments }, (_, at) =>
      median(samples.flatMap((each) => each.segmentMs[at] ?? [])),
    ),
    decodeMs: median(samples.map((each) => each.decodeMs)),
    preprocessMs: median(samples.map((each) => each.preprocessMs)),
    postprocessMs: median(samples.map((each) => each.postprocessMs)),
  };
}

/** `Linux x86_64, 8 cores, wasm × 4`. */
function deviceName({ environment, strategy }: Trial): string {
  const { platform, hardwareConcurrency } = environment;
  const threads = strategy.threads === 1 ? '' : ` × ${strategy.threads}`;
  return `${platform || 'another device'}, ${hardwareConcurrency} cores, ${strategy.provider}${threads}`;
}

function isNested(recipe: Recipe): boolean {
  return recipe.some((step) => step.op === 'early-exit' && step.kind !== 'skip' && step.form === 'if');
}
