import { type Failure, outcomeOf, unlessCancelled } from '../base/result.ts';
import type * as Scanning from '../clients/scan-blocks.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { loadFindings, saveFinding } from '../persist/layer-findings.ts';
import { type BlockScan, blocksLeftOpen, usualRemovals, withBlocksFound } from '../study/block-scan.ts';
import { imagesToCalibrateWith } from '../study/evaluation-images.ts';
import { scoresClasses } from '../study/scores-classes.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { recipeToGate } from '../transforms/prune/recipe-to-gate.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { findingKey } from './finding-key.ts';
import { headSubjectOf } from './heads-slice.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { busyStudy } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Loaded when it is first asked for. */
const scanBlocks: typeof Scanning.scanBlocks = (...asked) =>
  outcomeOf(async () => (await import('../clients/scan-blocks.ts')).scanBlocks(...asked));

export interface BlocksSlice {
  /** By `blockScanKey`; scans that were cancelled, or that a reload ended, as far as they came. */
  readonly blockScans: ReadonlyMap<string, BlockScan>;
  /** The scan under way; `progress` is null until something was looked at. */
  readonly blockScanning: {
    readonly key: string;
    readonly progress: { readonly done: number; readonly total: number } | null;
  } | null;
  /** Why the last scan ended early. */
  readonly blockScanProblem: Failure | null;
  /** How many images a scan looks at; null: as many as suit the model. */
  readonly blockImages: number | null;
  /** How many blocks a scan takes out; null: half of them. */
  readonly blocksToFind: number | null;
  readonly setBlockImages: (count: number) => void;
  readonly setBlocksToFind: (count: number) => void;
  /** Takes blocks out of what the recipe on the canvas makes, going on where an earlier scan was cancelled. */
  readonly scanBlocks: () => Promise<void>;
  readonly cancelBlockScan: () => void;
}

export const createBlocksSlice: Slice<BlocksSlice> = (set, get, store) => {
  let control = new AbortController();

  /** Brings back what earlier visits saw of the open model on the open images. */
  const recall = async () => {
    const subject = headSubjectOf(get());
    if (subject === null) return;
    const kept = await loadFindings('blockScans', subject);
    const latest = kept.at(-1);
    // Another model or other images may have been opened meanwhile, or a scan begun.
    if (!latest || JSON.stringify(headSubjectOf(get())) !== JSON.stringify(subject)) return;
    const found = kept.map((each) => [findingKey(subject, each.key), each.found] as const);
    set(({ blockScans, blockScanning, blockImages }) => ({
      blockScans: new Map([...found, ...blockScans]),
      blockImages: blockScanning ? blockImages : latest.found.images,
    }));
  };

  store.subscribe((lab, before) => {
    if (lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing)
      return;
    get().cancelBlockScan();
    set({ blockScanProblem: null });
    if (lab.model !== before.model) set({ blockImages: null, blocksToFind: null });
    void recall();
  });

  return {
    blockScans: new Map(),
    blockScanning: null,
    blockScanProblem: null,
    blockImages: null,
    blocksToFind: null,
    setBlockImages: (blockImages) => set({ blockImages }),
    setBlocksToFind: (blocksToFind) => set({ blocksToFind }),
    scanBlocks: async () => {
      const { model, data, preprocessing, environment, settings, recipes } = get();
      const worker = modelWorker();
      const subject = headSubjectOf(get());
      const key = blockScanKey(get(), recipes.present);
      if (!subject || !model || !data || !preprocessing || !environment || !worker || key === null) return;
      const busy = busyStudy(get());
      if (busy) return set({ blockScanProblem: busy });
      get().cancelBlockScan();
      const ends = (control = new AbortController());
      set({ blockScanning: { key, progress: null }, blockScanProblem: null });
      const { view } = model;
      const recipe = recipeToGate(recipes.present, 'block');
      // What else the recipe does may look at images before.
      const ready = await get().calibrateFor(recipe);
      if (ends.signal.aborted) return;
      if (!ready.ok) return set({ blockScanning: null, blockScanProblem: unlessCancelled(ready.failure) });
      const images = blockImagesOf(get());
      const labels = data.dataset.items.map(({ label }) => label);
      let savesFail = false;
      const keep = async (scan: BlockScan) => {
        if (savesFail) return;
        const saved = await saveFinding('blockScans', subject, aboutOf(recipe, images), scan, Date.now());
        if (saved.ok || savesFail) return;
        savesFail = true;
        get().reportFailure('What the model does without its blocks is not kept', saved.failure);
      };
      const outcome = await scanBlocks(
        {
          model: worker,
          recipe,
          data,
          preprocessing,
          threads: strategyPlace(settings, environment, view.totals.macs).threads,
          imageIndices: imagesToCalibrateWith(labels, images),
          scoresClasses: scoresClasses(view),
          most: Math.max(blocksToFindOf(get()), blocksLeftOpen(recipes.present)),
          images,
          known: get().blockScans.get(key) ?? null,
        },
        ({ scan, done, total }) => {
          if (ends.signal.aborted) return;
          const isNew = scan !== null && scan !== get().blockScans.get(key);
          set({ blockScanning: { key, progress: { done, total } } });
          if (!isNew) return;
          set({ blockScans: new Map([...get().blockScans, [key, scan]]) });
          void keep(scan);
          const { present } = get().recipes;
          // A number of blocks that was waiting for it.
          if (blockScanKey(get(), present) === key) get().editRecipe(withBlocksFound(present, scan));
        },
        ends.signal,
      );
      if (ends.signal.aborted) return;
      set({ blockScanning: null, blockScanProblem: outcome.ok ? null : outcome.failure });
    },
    cancelBlockScan: () => {
      control.abort();
      if (get().blockScanning === null) return;
      get().cancelCalibration();
      set({ blockScanning: null });
    },
  };
};

/** What is known of what a recipe makes without its blocks; null: nothing. */
export function blockScanOf(lab: Lab, recipe: Recipe): BlockScan | null {
  return lab.blockScans.get(blockScanKey(lab, recipe) ?? '') ?? null;
}

/** Whether there are images to tell which blocks matter least. */
export function canScanBlocks(lab: Lab, recipe: Recipe): boolean {
  return blockScanKey(lab, recipe) !== null && !lab.preprocessing?.random;
}

/** Names a scan by all that it depends on; null if there is nothing to look at. */
export function blockScanKey(lab: Lab, recipe: Recipe): string | null {
  const subject = headSubjectOf(lab);
  return subject && findingKey(subject, aboutOf(recipeToGate(recipe, 'block'), blockImagesOf(lab)));
}

/** What of its key a scan has besides the model and its images. */
function aboutOf(scanned: Recipe, images: number): string {
  return JSON.stringify([normaliseRecipe(scanned), images]);
}

/** What a scan may compute on each block in a reasonable time, in multiply-accumulates. */
const MACS_PER_BLOCK = 64e9;

/** How many images a scan looks at: of large models few, so that it ends. */
export function blockImagesOf({ blockImages, model }: Lab): number {
  if (blockImages !== null) return blockImages;
  const suiting = MACS_PER_BLOCK / Math.max(1, model?.view.totals.macs ?? 1);
  return Math.min(64, Math.max(8, 8 * Math.round(suiting / 8)));
}

/** How many blocks a scan takes out. */
export function blocksToFindOf({ blocksToFind, model }: Lab): number {
  return blocksToFind ?? usualRemovals(model === null ? 0 : blockCount(model.view));
}

/** How many blocks of a graph can go. */
export function blockCount({ skippable = [] }: GraphView): number {
  return skippable.reduce((sum, { blocks }) => sum + blocks.length, 0);
}
