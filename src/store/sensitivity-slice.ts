import { type Failure, outcomeOf } from '../base/result.ts';
import type * as Scanning from '../clients/scan-sensitivity.ts';
import { loadFindings, saveFinding } from '../persist/layer-findings.ts';
import { imagesToScanWith } from '../study/evaluation-images.ts';
import { scoresClasses } from '../study/scores-classes.ts';
import type { LayerScan } from '../study/sensitivity.ts';
import { hasTrainedExits } from '../transforms/exits/trained-placement.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { ScannedPrecision } from '../transforms/quantize/mixed-operator.ts';
import { STATIC_DEFAULTS } from '../transforms/quantize/quantize-operator.ts';
import {
  recipeOfLayersAlone,
  recipeToScan,
  staticPartOf,
} from '../transforms/quantize/sensitivity-recipes.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { findingKey } from './finding-key.ts';
import { headSubjectOf } from './heads-slice.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { busyStudy } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Loaded when it is first asked for. */
const scanSensitivity: typeof Scanning.scanSensitivity = (...asked) =>
  outcomeOf(async () => (await import('../clients/scan-sensitivity.ts')).scanSensitivity(...asked));

export interface SensitivitySlice {
  /** By `scanKey`; scans that were cancelled, or that a reload ended, as far as they came. */
  readonly scans: ReadonlyMap<string, LayerScan>;
  /** The scan under way; `progress` is null until something was looked at. */
  readonly scanning: {
    readonly key: string;
    readonly progress: { readonly done: number; readonly total: number } | null;
  } | null;
  /** Why the last scan ended early. */
  readonly scanProblem: Failure | null;
  /** What the next scan puts layers in, and what is shown of. */
  readonly scanPrecision: ScannedPrecision;
  /** How many images a scan looks at. */
  readonly scanImages: number;
  readonly setScanImages: (count: number) => void;
  readonly chooseScanPrecision: (precision: ScannedPrecision) => void;
  /** Scans the layers of the recipe on the canvas, going on where an earlier scan was cancelled. */
  readonly scanLayers: () => Promise<void>;
  readonly cancelScan: () => void;
}

const NOT_SCANNED: LayerScan = { results: [], total: 0, images: 0 };

export const createSensitivitySlice: Slice<SensitivitySlice> = (set, get, store) => {
  let control = new AbortController();

  /** Brings back what earlier visits saw of the open model on the open images. */
  const recall = async () => {
    const subject = headSubjectOf(get());
    if (subject === null) return;
    const kept = await loadFindings('layerScans', subject);
    const latest = kept.at(-1);
    // Another model or other images may have been opened meanwhile, or a scan begun.
    if (!latest || JSON.stringify(headSubjectOf(get())) !== JSON.stringify(subject)) return;
    const found = kept.map((each) => [findingKey(subject, each.key), each.found] as const);
    set(({ scans, scanning, scanImages }) => ({
      scans: new Map([...found, ...scans]),
      scanImages: scanning ? scanImages : latest.found.images,
    }));
  };

  store.subscribe((lab, before) => {
    if (lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing)
      return;
    get().cancelScan();
    set({ scanProblem: null });
    void recall();
  });

  return {
    scans: new Map(),
    scanning: null,
    scanProblem: null,
    scanPrecision: 'int8',
    scanImages: 64,
    setScanImages: (scanImages) => set({ scanImages }),
    chooseScanPrecision: (scanPrecision) => set({ scanPrecision }),
    scanLayers: async () => {
      const { model, data, preprocessing, environment, settings, recipes, scans, scanImages, scanPrecision } =
        get();
      const worker = modelWorker();
      const subject = headSubjectOf(get());
      const key = scanKey(get(), recipes.present, scanPrecision);
      if (!subject || !model || !data || !preprocessing || !environment || !worker || key === null) return;
      const busy = busyStudy(get());
      if (busy) return set({ scanProblem: busy });
      get().cancelScan();
      const ends = (control = new AbortController());
      set({ scanning: { key, progress: null }, scanProblem: null });
      const recipe = recipeToScan(recipes.present);
      const alone = recipeOfLayersAlone(recipes.present);
      const isOver = (failure: Failure | null): boolean => {
        if (failure === null && !ends.signal.aborted) return false;
        if (!ends.signal.aborted) set({ scanning: null, scanProblem: failure });
        return true;
      };
      // Weights alone need no ranges.
      const calibrated =
        scanPrecision === 'int8'
          ? ([
              [recipe, alone],
              [alone, recipe],
            ] as const)
          : [];
      for (const [first, other] of calibrated) {
        const known = await get().calibrateFor(first, [other]);
        if (isOver(known.ok ? null : known.failure)) return;
      }
      const { samples = STATIC_DEFAULTS.samples } = staticPartOf(recipe);
      const labels = data.dataset.items.map(({ label }) => label);
      let savesFail = hasTrainedExits(recipe);
      const keep = async (scan: LayerScan) => {
        // Heads may be trained anew meanwhile; what cannot be kept is there until the page closes.
        if (savesFail) return;
        const about = aboutOf(recipe, scanPrecision, scanImages);
        const saved = await saveFinding('layerScans', subject, about, scan, Date.now());
        if (saved.ok || savesFail) return;
        savesFail = true;
        get().reportFailure('What layers lose in int8 is not kept', saved.failure);
      };
      const outcome = await scanSensitivity(
        {
          model: worker,
          recipe,
          precision: scanPrecision,
          data,
          preprocessing,
          threads: strategyPlace(settings, environment, model.view.totals.macs).threads,
          imageIndices: imagesToScanWith(labels, samples, scanImages),
          scoresClasses: scoresClasses(model.view),
          weightBytes: model.view.totals.weightBytes,
          known: scans.get(key)?.results ?? [],
        },
        ({ results, done, total }) => {
          if (ends.signal.aborted) return;
          const before = get().scans.get(key);
          const scan = { results, total, images: scanImages };
          set({
            scans: new Map([...get().scans, [key, scan]]),
            scanning: { key, progress: { done, total } },
          });
          if (results !== (before?.results ?? NOT_SCANNED.results)) void keep(scan);
        },
        ends.signal,
      );
      if (isOver(outcome.ok ? null : outcome.failure)) return;
      set({ scanning: null });
    },
    cancelScan: () => {
      control.abort();
      if (get().scanning === null) return;
      get().cancelCalibration();
      set({ scanning: null });
    },
  };
};

/** What is known of a recipe's layers on the open images; the same object as long as nothing is learned. */
export function scanOf(lab: Lab, recipe: Recipe, precision: ScannedPrecision): LayerScan {
  return lab.scans.get(scanKey(lab, recipe, precision) ?? '') ?? NOT_SCANNED;
}

/** Names a scan by all that it depends on; null if there is nothing to scan. */
export function scanKey(lab: Lab, recipe: Recipe, precision: ScannedPrecision): string | null {
  const subject = headSubjectOf(lab);
  return subject && findingKey(subject, aboutOf(recipeToScan(recipe), precision, lab.scanImages));
}

/** What of its key a scan has besides the model and its images. */
function aboutOf(scanned: Recipe, precision: ScannedPrecision, images: number): string {
  return JSON.stringify([normaliseRecipe(scanned), precision, images]);
}
