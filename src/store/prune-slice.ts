import { type Failure, outcomeOf, unlessCancelled } from '../base/result.ts';
import type * as Scanning from '../clients/scan-pruning.ts';
import type * as Allocating from '../clients/allocate-ratios.ts';
import { formatShare } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { loadFindings, saveFinding } from '../persist/layer-findings.ts';
import { imagesToCalibrateWith, imagesToCheckWith } from '../study/evaluation-images.ts';
import { pointsIn, type PruneScan } from '../study/prune-curves.ts';
import type { NodeTimes } from '../study/prune-plan.ts';
import { planName, type PruneTarget, recipeOfPlan, recipeToRank } from '../study/prune-target.ts';
import type { PredictionBasis } from '../study/trial.ts';
import { isAboutChannels, untilChannelsGo } from '../transforms/order-of-effect.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { StructuredPruneOperator } from '../transforms/prune/prune-operator.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { findingKey } from './finding-key.ts';
import { headSubjectOf } from './heads-slice.ts';
import { knownCosts, wholeTimes } from './known-costs.ts';
import type { Lab, Slice } from './slice.ts';
import { scoresClasses } from '../study/scores-classes.ts';
import { strategyPlace } from './study-slice.ts';
import { busyStudy } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Loaded when they are first asked for. */
const scanPruning: typeof Scanning.scanPruning = (...asked) =>
  outcomeOf(async () => (await import('../clients/scan-pruning.ts')).scanPruning(...asked));
const allocateRatios: typeof Allocating.allocateRatios = (...asked) =>
  outcomeOf(async () => (await import('../clients/allocate-ratios.ts')).allocateRatios(...asked));

/** Ratios found for a target, the best so far. */
export interface AllocatedPlan extends Allocating.RatiosFound {
  /** Of the scan that it rests on. */
  readonly key: string;
  readonly target: PruneTarget;
  /** What the expected time rests on; null: on nothing that was measured. */
  readonly basis: PredictionBasis | null;
}

export interface PruneSlice {
  /** By `pruneScanKey`; scans that were cancelled, or that a reload ended, as far as they came. */
  readonly pruneScans: ReadonlyMap<string, PruneScan>;
  /** The scan under way; `share` is null until something was looked at. */
  readonly pruneScanning: { readonly key: string; readonly share: number | null } | null;
  /** What finding ratios is at: a text for people. */
  readonly pruneTiming: string | null;
  /** Why the last scan or plan ended early. */
  readonly pruneProblem: Failure | null;
  /** How many images a scan looks at. */
  readonly pruneImages: number;
  readonly pruneTarget: PruneTarget;
  readonly prunePlan: AllocatedPlan | null;
  readonly setPruneImages: (count: number) => void;
  readonly setPruneTarget: (target: PruneTarget) => void;
  /** Looks at each group of channels of the recipe on the canvas, going on where an earlier scan ended. */
  readonly scanGroups: () => Promise<void>;
  /** Finds ratios for the target; for one of latency measures, and corrects them. */
  readonly allocateRatios: () => Promise<void>;
  /** Cancels a scan, or what is measured for a target. */
  readonly cancelPruning: () => void;
  /** Lists the recipe with these ratios, to be measured; its trial keeps what is expected now. */
  readonly listPlan: () => void;
}

export const createPruneSlice: Slice<PruneSlice> = (set, get, store) => {
  let control = new AbortController();

  /** Brings back what earlier visits saw of the open model on the open images. */
  const recall = async () => {
    const subject = headSubjectOf(get());
    if (subject === null) return;
    const kept = await loadFindings('pruneScans', subject);
    const latest = kept.at(-1);
    // Another model or other images may have been opened meanwhile, or a scan begun.
    if (!latest || JSON.stringify(headSubjectOf(get())) !== JSON.stringify(subject)) return;
    const found = kept.map((each) => [findingKey(subject, each.key), each.found] as const);
    set(({ pruneScans, pruneScanning, pruneImages }) => ({
      pruneScans: new Map([...found, ...pruneScans]),
      pruneImages: pruneScanning ? pruneImages : latest.found.images,
    }));
  };

  store.subscribe((lab, before) => {
    if (lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing)
      return;
    get().cancelPruning();
    set({ pruneProblem: null, prunePlan: null });
    void recall();
  });

  return {
    pruneScans: new Map(),
    pruneScanning: null,
    pruneTiming: null,
    pruneProblem: null,
    pruneImages: 64,
    pruneTarget: { kind: 'macs', share: 0.5 },
    prunePlan: null,
    setPruneImages: (pruneImages) => set({ pruneImages }),
    setPruneTarget: (pruneTarget) => set({ pruneTarget }),

    scanGroups: async () => {
      const { model, data, preprocessing, environment, settings, recipes, pruneImages } = get();
      const worker = modelWorker();
      const subject = headSubjectOf(get());
      const recipe = recipes.present;
      const key = pruneScanKey(get(), recipe);
      if (!subject || !model || !data || !preprocessing || !environment || !worker || key === null) return;
      const busy = busyStudy(get());
      if (busy) return set({ pruneProblem: busy });
      get().cancelPruning();
      const ends = (control = new AbortController());
      set({ pruneScanning: { key, share: null }, pruneProblem: null });
      // Some rankings look at images before.
      const ranked = await get().calibrateFor(recipeToRank(recipe));
      if (ends.signal.aborted) return;
      if (!ranked.ok) return set({ pruneScanning: null, pruneProblem: unlessCancelled(ranked.failure) });
      let savesFail = false;
      let saved = pointsKnown(get(), key);
      const keep = async (scan: PruneScan) => {
        if (savesFail || pointsIn(scan) === saved) return;
        saved = pointsIn(scan);
        const outcome = await saveFinding(
          'pruneScans',
          subject,
          aboutOf(recipe, pruneImages) ?? '',
          scan,
          Date.now(),
        );
        if (outcome.ok || savesFail) return;
        savesFail = true;
        get().reportFailure('What groups of channels lose is not kept', outcome.failure);
      };
      const labels = data.dataset.items.map(({ label }) => label);
      const outcome = await scanPruning(
        {
          model: worker,
          recipe,
          data,
          preprocessing,
          threads: strategyPlace(settings, environment, model.view.totals.macs).threads,
          // Ratios are learned from them, so they are of the half that exits learn from.
          imageIndices: imagesToCalibrateWith(labels, pruneImages),
          scoresClasses: scoresClasses(model.view),
          images: pruneImages,
          known: get().pruneScans.get(key) ?? null,
        },
        (scan, share) => {
          if (ends.signal.aborted) return;
          set({
            pruneScans: new Map([...get().pruneScans, [key, scan]]),
            pruneScanning: { key, share },
          });
          void keep(scan);
        },
        ends.signal,
      );
      if (ends.signal.aborted) return;
      set({ pruneScanning: null, pruneProblem: outcome.ok ? null : outcome.failure });
    },

    allocateRatios: async () => {
      const { model, data, preprocessing, environment, settings, recipes, pruneTarget: target } = get();
      const worker = modelWorker();
      const recipe = recipes.present;
      const key = pruneScanKey(get(), recipe);
      const scan = get().pruneScans.get(key ?? '');
      if (!model || !data || !preprocessing || !environment || !worker || key === null || !scan) return;
      const busy = busyStudy(get());
      if (busy) return set({ pruneProblem: busy });
      get().cancelPruning();
      const ends = (control = new AbortController());
      const { view } = model;
      set({ pruneTiming: 'Looking for ratios', pruneProblem: null, prunePlan: null });
      const known = costsNow(get(), view).basis;
      // What is found should tell what latency is expected, too.
      if (known === null || (known !== 'nodes' && target.kind === 'latency')) {
        set({ pruneTiming: 'Timing each node' });
        await get().profile();
      }
      const ranked = await get().calibrateFor(recipeToRank(recipe));
      if (ends.signal.aborted) return;
      if (!ranked.ok) return set({ pruneTiming: null, pruneProblem: unlessCancelled(ranked.failure) });
      const { nodeMs, basis } = costsNow(get(), view);
      const labels = data.dataset.items.map(({ label }) => label);
      const imageIndices = imagesToCalibrateWith(labels, scan.images);
      const about = { key, target, basis };
      const outcome = await allocateRatios(
        {
          model: worker,
          recipe,
          scan,
          target,
          nodeMs,
          data,
          preprocessing,
          ...strategyPlace(settings, environment, view.totals.macs),
          imageIndices,
          checkedImages: imagesToCheckWith(labels, imageIndices),
          scoresClasses: scoresClasses(view),
        },
        (step, found) => {
          if (ends.signal.aborted) return;
          set({ pruneTiming: textOf(step), prunePlan: found && { ...found, ...about } });
        },
        ends.signal,
      );
      if (ends.signal.aborted) return;
      set({
        pruneTiming: null,
        pruneProblem: outcome.ok ? null : outcome.failure,
        ...(outcome.ok && { prunePlan: { ...outcome.value, ...about } }),
      });
    },

    cancelPruning: () => {
      control.abort();
      const { pruneScanning, pruneTiming, isProfiling } = get();
      if (pruneTiming !== null && isProfiling) get().cancelProfiling();
      if (pruneScanning === null && pruneTiming === null) return;
      get().cancelCalibration();
      set({ pruneScanning: null, pruneTiming: null });
    },

    listPlan: () => {
      const { prunePlan, recipes, expected } = get();
      if (prunePlan === null) return;
      const recipe = normaliseRecipe(recipeOfPlan(recipes.present, prunePlan.plan));
      get().listRecipe(recipe, planName(prunePlan.target));
      const outcome = outcomeOfPlan(recipes.present, prunePlan);
      if (outcome !== null) set({ expected: new Map([...expected, [JSON.stringify(recipe), outcome]]) });
    },
  };
};

function textOf(step: Allocating.RatioStep): string {
  switch (step.kind) {
    case 'looking':
      return `Looking at all groups together, ${formatShare(step.share)}`;
    case 'timing':
      return step.attempt === 0 ? 'Timing it' : 'Corrected, timing it again';
    default:
      return step satisfies never;
  }
}

function pointsKnown(lab: Lab, key: string): number {
  const scan = lab.pruneScans.get(key);
  return scan === undefined ? 0 : pointsIn(scan);
}

/** Milliseconds of the model's nodes on this device, and what they rest on. */
function costsNow(
  lab: Lab,
  view: GraphView,
): { readonly nodeMs: NodeTimes; readonly basis: PredictionBasis | null } {
  const { costs, basis } = knownCosts(view, [], lab, wholeTimes(view, [], lab, lab.trials));
  const times = view.nodes.map(({ index, outputs }) => [outputs[0] ?? '', costs.nodeMs[index] ?? 0] as const);
  return { nodeMs: new Map(times), basis };
}

/** Nothing is expected of recipes that do more than the scan saw, or of times that were not measured. */
function outcomeOfPlan(recipe: Recipe, { plan, effect, basis, tries }: AllocatedPlan) {
  const latencyMeanMs = tries.at(-1)?.prunedMs ?? (basis === null ? null : plan.left.ms);
  if (recipe.length > untilChannelsGo(recipe).before.length + 1 || latencyMeanMs === null) return null;
  return {
    accuracyTop1: effect.accuracy,
    agreement: effect.accuracy === null ? effect.agreement : null,
    latencyMeanMs,
    ...(basis !== null && { basis }),
  };
}

/** What is known of a recipe's groups on the open images; the same object as long as nothing is learned. */
export function pruneScanOf(lab: Lab, recipe: Recipe): PruneScan | null {
  return lab.pruneScans.get(pruneScanKey(lab, recipe) ?? '') ?? null;
}

/** Names a scan by all that it depends on; null if there is nothing to scan. */
export function pruneScanKey(lab: Lab, recipe: Recipe): string | null {
  const subject = headSubjectOf(lab);
  const about = aboutOf(recipe, lab.pruneImages);
  return subject === null || about === null ? null : findingKey(subject, about);
}

/** What of its key a scan has besides the model and its images: how much is to go does not matter. */
function aboutOf(recipe: Recipe, images: number): string | null {
  const { before, operator } = untilChannelsGo(recipe);
  if (operator === null) return null;
  const { op, kind, importance, seed, roundTo, minChannels, protect, samples } = normaliseOperator(operator);
  const ranking = { op, kind, importance, seed, roundTo, minChannels, protect, samples };
  return JSON.stringify([normaliseRecipe(before), ranking, images]);
}

function normaliseOperator(operator: StructuredPruneOperator): StructuredPruneOperator {
  const [only] = normaliseRecipe([{ ...operator, ratio: 0.5 }]);
  return only !== undefined && isAboutChannels(only) ? only : operator;
}
