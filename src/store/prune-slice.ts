import { type Failure, outcomeOf, type Result } from '../base/result.ts';
import type * as Scanning from '../clients/scan-pruning.ts';
import type * as Timing from '../clients/time-variants.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { loadFindings, saveFinding } from '../persist/layer-findings.ts';
import { imagesToCalibrateWith } from '../study/evaluation-images.ts';
import { type ExpectedAnswers, expectedAnswers, pointsIn, type PruneScan } from '../study/prune-curves.ts';
import type { NodeTimes, PrunePlan, PruneTarget } from '../study/prune-plan.ts';
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
const timeVariants: typeof Timing.timeVariants = (...asked) =>
  outcomeOf(async () => (await import('../clients/time-variants.ts')).timeVariants(...asked));

/** Ratios found for a target, and what is expected of them. */
export interface AllocatedPlan {
  /** Of the scan that it rests on. */
  readonly key: string;
  readonly target: PruneTarget;
  readonly plan: PrunePlan;
  readonly expected: ExpectedAnswers;
  /** What the expected time rests on; null: on nothing that was measured. */
  readonly basis: PredictionBasis | null;
  /** For a target of latency: what was measured, for each try. */
  readonly tries: readonly TimedPlan[];
}

/** A plan that was timed beside the model as it is. */
export interface TimedPlan {
  readonly wholeMs: number;
  readonly prunedMs: number;
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
  readonly listPlan: (name: string) => void;
}

const LATENCY_TOLERANCE = 0.05;
const MOST_TRIES = 3;

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
      if (!ranked.ok) return set({ pruneScanning: null, pruneProblem: ranked.failure });
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
      const isLatency = target.kind === 'latency';
      set({ pruneTiming: 'Looking for ratios', pruneProblem: null, prunePlan: null });
      if (isLatency && costsNow(get(), view).basis !== 'nodes') {
        set({ pruneTiming: 'Timing each node' });
        await get().profile();
      }
      const ranked = await get().calibrateFor(recipeToRank(recipe));
      if (ends.signal.aborted) return;
      if (!ranked.ok) return set({ pruneTiming: null, pruneProblem: ranked.failure });
      const { nodeMs, basis } = costsNow(get(), view);
      const place = {
        model: worker,
        data,
        preprocessing,
        ...strategyPlace(settings, environment, view.totals.macs),
      };
      const { before } = untilChannelsGo(recipe);
      const time = (operator: StructuredPruneOperator): Promise<Result<readonly number[]>> => {
        // Corrections make nothing slower.
        const { recalibrate: _none, ...pruned } = operator;
        const whole: Recipe = before.length === 0 ? [{ op: 'identity' }] : before;
        return timeVariants(place, [whole, [...before, pruned]], ends.signal);
      };
      const tries: (TimedPlan & { readonly plan: PrunePlan })[] = [];
      let { share } = target;
      let problem: Failure | null = null;
      let found: PrunePlan | null = null;
      while (!ends.signal.aborted) {
        const planned = await worker.planPruning(recipe, scan.curves, { ...target, share }, nodeMs);
        if (!planned.ok) {
          problem = planned.failure;
          break;
        }
        found = planned.value;
        if (!isLatency || ends.signal.aborted) break;
        set({ pruneTiming: tries.length === 0 ? 'Timing it' : `Corrected, timing it again` });
        const timed = await time(found.operator);
        if (!timed.ok) {
          problem = timed.failure;
          break;
        }
        const [wholeMs = 0, prunedMs = 0] = timed.value;
        tries.push({ wholeMs, prunedMs, plan: found });
        const off = prunedMs / wholeMs / target.share;
        if (Math.abs(off - 1) <= LATENCY_TOLERANCE || tries.length === MOST_TRIES) break;
        share = Math.min(1, share / off);
      }
      if (ends.signal.aborted) return;
      set({ pruneTiming: null, pruneProblem: problem });
      const closest = tries.toSorted((a, b) => missedBy(a, target) - missedBy(b, target))[0];
      const plan = closest?.plan ?? found;
      if (plan === null) return;
      const expected = expectedAnswers(scan, plan.loss);
      set({
        prunePlan: {
          key,
          target,
          plan,
          expected,
          basis,
          tries: closest ? [...tries.filter((each) => each !== closest), closest] : [],
        },
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

    listPlan: (name) => {
      const { prunePlan, recipes, expected } = get();
      if (prunePlan === null) return;
      const recipe = normaliseRecipe(recipeOfPlan(recipes.present, prunePlan.plan));
      get().listRecipe(recipe, name);
      const outcome = outcomeOfPlan(recipes.present, prunePlan);
      if (outcome !== null) set({ expected: new Map([...expected, [JSON.stringify(recipe), outcome]]) });
    },
  };
};

function missedBy({ wholeMs, prunedMs }: TimedPlan, { share }: PruneTarget): number {
  return Math.abs(Math.log(prunedMs / wholeMs / share));
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

/** What must be known of images before channels can be ranked, told by a recipe that needs no more. */
function recipeToRank(recipe: Recipe): Recipe {
  const { before, operator } = untilChannelsGo(recipe);
  if (operator === null) return before;
  const { recalibrate: _none, ...ranking } = operator;
  return [...before, { ...ranking, ratio: 0.5 }];
}

/** The recipe with a plan's ratios. */
export function recipeOfPlan(recipe: Recipe, { operator }: PrunePlan): Recipe {
  const at = recipe.findIndex(isAboutChannels);
  return at < 0 ? [...recipe, operator] : recipe.with(at, operator);
}

/** Nothing is expected of recipes that do more than the scan saw, or of times that were not measured. */
function outcomeOfPlan(recipe: Recipe, { plan, expected, basis, tries }: AllocatedPlan) {
  const latencyMeanMs = tries.at(-1)?.prunedMs ?? (basis === null ? null : plan.left.ms);
  if (recipe.length > untilChannelsGo(recipe).before.length + 1 || latencyMeanMs === null) return null;
  return {
    accuracyTop1: expected.accuracy,
    agreement: expected.accuracy === null ? expected.agreement : null,
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
