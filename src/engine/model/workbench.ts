import { defined } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import type { Model } from '../../onnx/model.ts';
import { parseModel } from '../../onnx/parse.ts';
import type { BuiltFiles } from '../../protocol/model-api.ts';
import { leavesFormOpen, withFormChosen } from '../../study/forms/choose-form.ts';
import type { FormFigures } from '../../study/forms/form-figures.ts';
import { type Heads, NO_HEADS } from '../../transforms/exits/trained-head.ts';
import { NO_STATISTICS, type Statistics } from '../../transforms/prune/statistics/channel-statistics.ts';
import {
  type Calibration,
  type Calibrations,
  calibrationFor,
  NO_CALIBRATIONS,
} from '../../transforms/quantize/calibrate/calibration.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { blobSource } from '../blob-source.ts';
import { createVariantStore, type VariantStore } from '../variant-files.ts';
import { buildFiles, type UncountedVariant } from './build-files.ts';
import { analysed, type OpenModel, viewOf } from './open-model.ts';

/** What recipes may need besides the model, found on images or on this device. */
interface Findings {
  readonly heads: Heads;
  readonly calibrations: Calibrations;
  readonly statistics: Statistics;
}

const NO_FINDINGS: Findings = {
  heads: NO_HEADS,
  calibrations: NO_CALIBRATIONS,
  statistics: NO_STATISTICS,
};

/** Variants are kept until the model changes, the oldest going first. */
const keptVariants = 24;

/** The open model, what is known about it, and what has been made of it: what all calls of its worker share. */
export interface Workbench {
  readonly store: VariantStore;
  /** @throws InputError `no-model` */
  readonly current: () => OpenModel;
  /** A model in place of the one before, of which nothing stays. */
  readonly open: (model: OpenModel) => void;
  /** The same model counted at another size. */
  readonly resize: (model: OpenModel) => void;
  readonly findings: () => Findings;
  /** Replaces findings; variants that they concern are built anew: their files hold what was used before. */
  readonly find: (found: Partial<Findings>, concerns: (recipe: Recipe) => boolean) => void;
  /** How fast forms are here; null: it is not known. */
  readonly forms: () => FormFigures | null;
  readonly useForms: (figures: FormFigures | null) => void;
  /** The recipe with nothing left open. */
  readonly decided: (recipe: Recipe) => Recipe;
  /** All ranges that a recipe needs; null where some are missing, which would leave layers float without a word. */
  readonly knownRanges: (recipe: Recipe) => Promise<Calibration | null>;
  /** Builds a variant, once. */
  readonly build: (recipe: Recipe) => Promise<UncountedVariant>;
  /** What a recipe makes that gives one file. */
  readonly modelMadeBy: (recipe: Recipe) => Promise<Model>;
  /** Profiled files by arithmetic: they lie on disk for as long as this worker lives, so each is written once. */
  readonly profileFiles: Map<string, BuiltFiles>;
}

export function createWorkbench(): Workbench {
  const store = createVariantStore();
  let opened: OpenModel | null = null;
  let findings = NO_FINDINGS;
  let forms: FormFigures | null = null;
  // Promises, so that two requests for one variant build it once.
  const variants = new Map<string, Promise<UncountedVariant>>();
  const profileFiles = new Map<string, BuiltFiles>();

  function current(): OpenModel {
    if (opened !== null) return opened;
    throw new InputError({ code: 'no-model', message: 'No model is open.', hint: 'Open a model first.' });
  }

  /** Also why it is that one. */
  function decided(recipe: Recipe): { readonly recipe: Recipe; readonly reasons: readonly string[] } {
    if (!leavesFormOpen(recipe)) return { recipe, reasons: [] };
    const chosen = withFormChosen(recipe, viewOf(current()), forms);
    return { recipe: chosen.recipe, reasons: chosen.choice === null ? [] : [chosen.choice.reason] };
  }

  async function build(asked: Recipe): Promise<UncountedVariant> {
    const { recipe, reasons } = decided(asked);
    const { built, parameters } = await buildDecided(recipe);
    return { built: { ...built, recipe: asked, warnings: [...reasons, ...built.warnings] }, parameters };
  }

  function buildDecided(recipe: Recipe): Promise<UncountedVariant> {
    const key = JSON.stringify(recipe);
    const kept = variants.get(key);
    if (kept !== undefined) return kept;
    const made = knownRanges(recipe).then((calibration) =>
      buildFiles(current(), recipe, store, { ...findings, calibration }),
    );
    variants.set(key, made);
    made.catch(() => variants.delete(key));
    for (const oldest of variants.keys()) {
      if (variants.size <= keptVariants) break;
      variants.delete(oldest);
    }
    return made;
  }

  async function knownRanges(recipe: Recipe): Promise<Calibration | null> {
    const open = current();
    const calibration = calibrationFor(recipe, findings.calibrations);
    if (calibration === null) return null;
    const { isCalibrated } = await import('../../transforms/quantize/calibrate/calibration-model.ts');
    return isCalibrated(analysed(open), recipe, findings.heads, calibration) ? calibration : null;
  }

  function forgetVariants(concerns: (recipe: Recipe) => boolean): void {
    for (const [key, variant] of variants) {
      const forget = () => variants.delete(key);
      variant.then(({ built }) => concerns(built.recipe) && forget(), forget);
    }
  }

  return {
    store,
    current,
    open: (model) => {
      variants.clear();
      profileFiles.clear();
      findings = NO_FINDINGS;
      opened = model;
    },
    resize: (model) => {
      variants.clear();
      opened = model;
    },
    findings: () => findings,
    find: (found, concerns) => {
      findings = { ...findings, ...found };
      forgetVariants(concerns);
    },
    forms: () => forms,
    useForms: (figures) => {
      forms = figures;
    },
    decided: (recipe) => decided(recipe).recipe,
    knownRanges,
    build,
    modelMadeBy: async (recipe) => {
      const { name, blob } = defined((await build(recipe)).built.files[0], 'a file of the variant');
      return parseModel(blobSource(blob), name);
    },
    profileFiles,
  };
}
