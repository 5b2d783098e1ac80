import type { GraphView } from '../onnx/graph-view.ts';
import { evaluationImages } from '../study/evaluation-images.ts';
import { type ExitPass, knownShares, recipeOfPass } from '../study/exit-pass.ts';
import { withPredictions } from '../study/new-study.ts';
import { expectedWork } from '../study/placement/expected-work.ts';
import { arithmeticOf, outcomeOf, predictStrategy } from '../study/placement/predict-strategy.ts';
import { deviceProfile } from '../study/placement/tier-profile.ts';
import type { CostProfile } from '../study/profile/cost-profile.ts';
import type { PredictedOutcome, Strategy, Study } from '../study/trial.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { recipeName } from '../transforms/recipe-name.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { measureExits } from './measure-exits.ts';
import { profileModel, type ProfileRequest } from './profile-model.ts';

/** What a study that has not begun is about, and where it will run; its model has the heads of trained exits. */
export interface StudyToExpect extends Omit<ProfileRequest, 'arithmetic'> {
  readonly study: Study;
}

/**
 * The study with what its strategies are expected to take, and with the profiles that tells it from: the model is
 * profiled once in each arithmetic that strategies use, and all exits run once where images may leave early. What
 * cannot be measured is told, and nothing is expected of what rests on it.
 * @param signal cancels at once; then the study is given back as far as that was known
 */
export async function expectStudy(
  { study, ...place }: StudyToExpect,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Study> {
  const { view, provider, threads, data } = place;
  const strategies = study.trials.map(({ strategy }) => strategy);
  const profiles = new Map<string, CostProfile>();
  for (const arithmetic of arithmeticsOf(strategies)) {
    tell(`Profiling the model's nodes${arithmetic.length > 0 ? ` in ${recipeName(arithmetic, view)}` : ''}.`);
    const profiled = await profileModel({ ...place, arithmetic }, signal);
    if (signal.aborted) return study;
    if (profiled.ok) profiles.set(arithmeticOf(arithmetic), profiled.value);
    else tell(`  It could not be profiled: ${profiled.failure.message}`);
  }
  const labels = data.dataset.items.map(({ label }) => label);
  const imageIndices = evaluationImages(study.protocol, strategies, labels);
  const passes = new Map<string, ExitPass>();
  for (const recipe of recipesToPass(strategies, view)) {
    tell(`Running all exits once: ${recipeName(recipe, view)}.`);
    const scores = await measureExits({ ...place, recipe, imageIndices }, () => {}, signal);
    if (signal.aborted) return study;
    if (scores.ok) passes.set(JSON.stringify(recipe), { recipe, scores: scores.value, truth: null });
    else tell(`  They could not be run: ${scores.failure.message}`);
  }
  const expectedOf = ({ recipe, placement }: Strategy): PredictedOutcome | undefined => {
    const costs = profiles.get(arithmeticOf(recipe));
    if (costs === undefined) return undefined;
    const pass = passes.get(JSON.stringify(recipeOfPass(recipe))) ?? null;
    const shares = knownShares(view, recipe, pass, []);
    const basis = costs.source === 'measured' ? 'nodes' : 'whole-model';
    return outcomeOf(predictStrategy(view, recipe, placement ?? null, { costs, basis, shares }));
  };
  const taken = [...profiles].flatMap(
    ([arithmetic, costs]) => deviceProfile(costs, { provider, threads, arithmetic }) ?? [],
  );
  return { ...withPredictions(study, expectedOf), ...(taken.length > 0 && { profiles: taken }) };
}

/** The kernels to be profiled: the model's own, and those of quantized strategies. */
function arithmeticsOf(strategies: readonly Strategy[]): readonly Recipe[] {
  const steps = strategies.map(({ recipe }) => normaliseRecipe(recipe).filter(({ op }) => op === 'quantize'));
  return [...new Map([[], ...steps].map((step: Recipe) => [arithmeticOf(step), step])).values()];
}

/** What to run once for strategies whose images may leave early, each once. */
function recipesToPass(strategies: readonly Strategy[], view: GraphView): readonly Recipe[] {
  const recipes = strategies
    .filter(({ recipe }) => expectedWork(view, recipe).stops.length > 0)
    .map(({ recipe }) => recipeOfPass(recipe));
  return [...new Map(recipes.map((recipe) => [JSON.stringify(recipe), recipe])).values()];
}
