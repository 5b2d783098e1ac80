import type { Failure } from '../base/result.ts';
import { scanSensitivity } from '../clients/scan-sensitivity.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { imagesToScanWith } from '../study/evaluation-images.ts';
import type { UnitSensitivity } from '../study/sensitivity.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { STATIC_DEFAULTS } from '../transforms/quantize/quantize-operator.ts';
import {
  recipeOfLayersAlone,
  recipeToScan,
  staticPartOf,
} from '../transforms/quantize/sensitivity-recipes.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { modelWorker } from './workers.ts';

/** What quantizing layers alone was seen to do. */
export interface LayerScan {
  readonly results: readonly UnitSensitivity[];
  /** Of so many layers and blocks. */
  readonly total: number;
}

export interface SensitivitySlice {
  /** By `scanKey`; scans that were cancelled as far as they came. */
  readonly scans: ReadonlyMap<string, LayerScan>;
  /** The scan under way; `progress` is null until something was looked at. */
  readonly scanning: {
    readonly key: string;
    readonly progress: { readonly done: number; readonly total: number } | null;
  } | null;
  /** Why the last scan ended early. */
  readonly scanProblem: Failure | null;
  /** How many images a scan looks at. */
  readonly scanImages: number;
  readonly setScanImages: (count: number) => void;
  /** Scans the layers of the recipe on the canvas, going on where an earlier scan was cancelled. */
  readonly scanLayers: () => Promise<void>;
  readonly cancelScan: () => void;
}

const NOT_SCANNED: LayerScan = { results: [], total: 0 };

export const createSensitivitySlice: Slice<SensitivitySlice> = (set, get, store) => {
  let control = new AbortController();

  store.subscribe((lab, before) => {
    if (lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing)
      return;
    get().cancelScan();
    set({ scanProblem: null });
  });

  return {
    scans: new Map(),
    scanning: null,
    scanProblem: null,
    scanImages: 64,
    setScanImages: (scanImages) => set({ scanImages }),
    scanLayers: async () => {
      const { model, data, preprocessing, environment, settings, recipes, run, scans, scanImages } = get();
      const worker = modelWorker();
      const key = scanKey(get(), recipes.present);
      if (!model || !data || !preprocessing || !environment || !worker || key === null) return;
      if (run) return set({ scanProblem: busy });
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
      for (const [first, other] of [
        [recipe, alone],
        [alone, recipe],
      ] as const) {
        const calibrated = await get().calibrateFor(first, [other]);
        if (isOver(calibrated.ok ? null : calibrated.failure)) return;
      }
      const { samples = STATIC_DEFAULTS.samples } = staticPartOf(recipe);
      const labels = data.dataset.items.map(({ label }) => label);
      const outcome = await scanSensitivity(
        {
          model: worker,
          recipe,
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
          set({
            scans: new Map([...get().scans, [key, { results, total }]]),
            scanning: { key, progress: { done, total } },
          });
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
export function scanOf(lab: Lab, recipe: Recipe): LayerScan {
  return lab.scans.get(scanKey(lab, recipe) ?? '') ?? NOT_SCANNED;
}

/** Names a scan by all that it depends on; null if there is nothing to scan. */
export function scanKey(
  { model, data, preprocessing, scanImages }: Pick<Lab, 'model' | 'data' | 'preprocessing' | 'scanImages'>,
  recipe: Recipe,
): string | null {
  if (!model || !data || !preprocessing) return null;
  const scanned = normaliseRecipe(recipeToScan(recipe));
  return JSON.stringify([model.view.modelId, data.dataset.id, preprocessing, scanned, scanImages]);
}

function scoresClasses({ exits, values }: GraphView): boolean {
  const shape = values.get(exits.at(-1)?.output ?? ('' as never))?.shape;
  return shape != null && shape.slice(1).filter((dim) => dim !== 1).length <= 1;
}

const busy: Failure = {
  code: 'busy',
  message: 'a study is running',
  hint: 'Wait for it, or cancel it first.',
};
