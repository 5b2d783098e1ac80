import { orThrow } from '../base/result.ts';
import { formatMs, formatShare } from '../base/units.ts';
import { allocateRatios, type CheckedPlan, type RatioStep } from '../clients/allocate-ratios.ts';
import { profileModel } from '../clients/profile-model.ts';
import type { GatedRun } from '../clients/run-gates.ts';
import { type BlockScanJob, type BlockScanProgress, scanBlocks } from '../clients/scan-blocks.ts';
import { scanPruning } from '../clients/scan-pruning.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import {
  type BlockScan,
  blockName,
  blocksLeftOpen,
  imagesOfBlocksLeftOpen,
  withBlocksFound,
} from '../study/block-scan.ts';
import { imagesToCalibrateWith, imagesToCheckWith } from '../study/evaluation-images.ts';
import { type GateEffect, wholeAccuracyText } from '../study/gate-effects.ts';
import { type PruneScan, shareRemoved } from '../study/prune-curves.ts';
import type { NodeTimes } from '../study/prune-plan.ts';
import { planName, type PruneTarget, recipeOfPlan, TARGET_NAMES } from '../study/prune-target.ts';
import { scoresClasses } from '../study/scores-classes.ts';
import type { PredictedOutcome, Provider } from '../study/trial.ts';
import { isAboutChannels } from '../transforms/order-of-effect.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { recipeToGate } from '../transforms/prune/recipe-to-gate.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';

/** A scan of groups of channels, and ratios found for targets. */
export interface ChannelsFound {
  readonly scan: PruneScan;
  readonly recipes: readonly NamedRecipe[];
  /** What was seen of their answers, by their normalised JSON. */
  readonly seen: ReadonlyMap<string, Pick<PredictedOutcome, 'accuracyTop1' | 'agreement'>>;
}

/** Where channels are looked at. */
type ChannelJob = Omit<GatedRun, 'recipe' | 'question' | 'imageIndices' | 'scoresClasses'> & {
  readonly view: GraphView;
  readonly provider: Provider;
};

/** Images that a scan looks at, where nothing is said. */
const SCANNED_IMAGES = 64;

/** The step that is looked into: of the first recipe that removes channels, or one that could. */
export function channelsToScan(recipes: readonly NamedRecipe[]): Recipe {
  const given = recipes.find(({ recipe }) => recipe.some(isAboutChannels))?.recipe;
  return given ?? [{ op: 'prune', kind: 'structured', ratio: 0.5 }];
}

/**
 * Looks at each group of channels alone, and finds ratios for each target.
 * @param recipe as `channelsToScan`; what its ranking needs of images is known to the model
 */
export async function channelsFoundFor(
  recipe: Recipe,
  targets: readonly PruneTarget[],
  { view, provider, ...job }: ChannelJob,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<ChannelsFound> {
  const labels = job.data.dataset.items.map(({ label }) => label);
  const imageIndices = imagesToCalibrateWith(labels, SCANNED_IMAGES);
  const run = { ...job, recipe, imageIndices, scoresClasses: scoresClasses(view) };
  const tellShare = sharesTold(tell);
  tell(`Looking at each group of channels alone, on ${imageIndices.length} images.`);
  const scan = orThrow(
    await scanPruning(
      { ...run, images: SCANNED_IMAGES, known: null },
      (_, share) => tellShare(share),
      signal,
    ),
  );
  const most = scan.curves.map((curve) =>
    Math.max(0, ...curve.points.map((point) => shareRemoved(curve, point))),
  );
  tell(
    `  ${scan.curves.length} groups, ${most.filter((share) => share > 0).length} of them can lose channels.`,
  );
  const recipes: NamedRecipe[] = [];
  const seen = new Map<string, Pick<PredictedOutcome, 'accuracyTop1' | 'agreement'>>();
  const checkedImages = imagesToCheckWith(labels, imageIndices);
  let nodeMs: NodeTimes | null = null;
  for (const target of targets) {
    tell(`Finding ratios for ${formatShare(target.share)} of the ${TARGET_NAMES[target.kind]}.`);
    if (target.kind === 'latency') nodeMs ??= await timesOfNodes({ ...job, view, provider }, signal);
    const tellStep = sharesTold(tell);
    const onProgress = (step: RatioStep): void => {
      if (step.kind === 'looking') tellStep(step.share);
      else tell(step.attempt === 0 ? '  Timing it.' : '  Corrected, timing it again.');
    };
    const search = { ...run, scan, target, nodeMs, provider, checkedImages };
    const found = orThrow(await allocateRatios(search, onProgress, signal));
    tell(`  ${planText(found)}`);
    for (const { wholeMs, prunedMs } of found.tries)
      tell(`  ${formatMs(prunedMs)} instead of ${formatMs(wholeMs)} (${formatShare(prunedMs / wholeMs)}).`);
    const planned = recipeOfPlan(recipe, found.plan);
    recipes.push({ name: planName(target), recipe: planned });
    const { effect, plan } = found;
    // What corrections or later steps do was not seen.
    if (planned.length > 1 || (plan.operator.recalibrate ?? []).length > 0) continue;
    seen.set(JSON.stringify(normaliseRecipe(planned)), {
      accuracyTop1: effect.accuracy,
      agreement: effect.accuracy === null ? effect.agreement : null,
    });
  }
  return { scan, recipes, seen };
}

async function timesOfNodes(place: ChannelJob, signal: AbortSignal): Promise<NodeTimes> {
  const { nodeMs } = orThrow(await profileModel(place, signal));
  return new Map(
    place.view.nodes.map(({ index, outputs }) => [outputs[0] ?? '', nodeMs[index] ?? 0] as const),
  );
}

function planText({ plan: { left, whole, isReached }, effect, whole: all, images }: CheckedPlan): string {
  const costs = `${formatShare(left.macs / whole.macs)} of the MACs, ${formatShare(left.params / whole.params)} of the parameters`;
  const far = isReached ? '' : 'The target is out of reach: this is as far as the curves go.';
  const seen = `${costs}; on ${images} other images ${effectText(effect)}.`;
  return [seen, wholeAccuracyText(all, images), far].filter((sentence) => sentence !== '').join(' ');
}

/** Tells each tenth of a long work once. */
function sharesTold(tell: (line: string) => void): (share: number) => void {
  let told = 0;
  return (share) => {
    const tenths = Math.floor(10 * share);
    if (tenths <= told) return;
    told = tenths;
    tell(`  ${10 * tenths} %`);
  };
}

/**
 * The recipes with numbers of blocks to prune made names: those without which the scores change least.
 * @returns the same list where all blocks were named, and of the searches the one that went farthest
 */
export async function blocksFoundFor<R extends NamedRecipe>(
  recipes: readonly R[],
  {
    view,
    ...job
  }: Omit<BlockScanJob, 'recipe' | 'imageIndices' | 'scoresClasses' | 'most' | 'images' | 'known'> & {
    readonly view: GraphView;
  },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<{ readonly recipes: readonly R[]; readonly scan: BlockScan | null }> {
  if (recipes.every(({ recipe }) => blocksLeftOpen(recipe) === 0)) return { recipes, scan: null };
  const labels = job.data.dataset.items.map(({ label }) => label);
  const scans = new Map<string, BlockScan>();
  const found: R[] = [];
  for (const named of recipes) {
    const most = blocksLeftOpen(named.recipe);
    if (most === 0) {
      found.push(named);
      continue;
    }
    const recipe = recipeToGate(named.recipe, 'block');
    const images = imagesOfBlocksLeftOpen(named.recipe);
    const key = JSON.stringify([normaliseRecipe(recipe), images]);
    const known = scans.get(key) ?? null;
    const imageIndices = imagesToCalibrateWith(labels, images);
    const asked = { ...job, recipe, imageIndices, scoresClasses: scoresClasses(view), most, images, known };
    if (known === null || known.removals.length < most)
      tell(
        `Finding ${most === 1 ? 'the block' : `${most} blocks`} without which the scores change least, for ${named.name}.`,
      );
    let removed = known?.removals.length ?? 0;
    const tellRemovals = ({ scan }: BlockScanProgress): void => {
      for (const { block, effect } of scan?.removals.slice(removed) ?? [])
        tell(`  ${blockName(view, block)}: ${effectText(effect)}`);
      removed = Math.max(removed, scan?.removals.length ?? 0);
    };
    const scan = orThrow(await scanBlocks(asked, tellRemovals, signal));
    if (scan.total < most) tell(`  This model has ${scan.total} blocks that can go, not ${most}.`);
    scans.set(key, scan);
    found.push({ ...named, recipe: withBlocksFound(named.recipe, scan) });
  }
  const [scan = null] = [...scans.values()].sort((a, b) => b.removals.length - a.removals.length);
  return { recipes: found, scan };
}

function effectText({ scoresDb, agreement, accuracy }: GateEffect): string {
  return [
    scoresDb === null ? 'scores are not finite' : `${scoresDb.toFixed(1)} dB`,
    ...(agreement === null ? [] : [`${formatShare(agreement)} agree`]),
    ...(accuracy === null ? [] : [`accuracy ${formatShare(accuracy)}`]),
  ].join(', ');
}
