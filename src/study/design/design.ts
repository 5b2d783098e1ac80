import type { NamedRecipe, Operator, Recipe } from '../../transforms/recipe.ts';
import type { TierPlacement } from '../placement/tiers.ts';
import { placedName } from '../strategies-file.ts';
import { makeStrategy } from '../strategy-id.ts';
import type { InputSize, Protocol, Provider, Strategy, StudiedModel } from '../trial.ts';
import type { PresetId } from './preset-ids.ts';

/** What a study is to measure: every combination of its axes, less what is excluded. `plan.json` is this. */
export interface StudyDesign {
  readonly format: 'paretoscope-plan';
  readonly formatVersion: 1;
  readonly name: string;
  /** What it was made from; left out: nothing. */
  readonly preset?: PresetId;
  readonly models: readonly StudiedModel[];
  /** The images, to be recognized elsewhere; null: whatever is open. */
  readonly dataset: { readonly datasetId: string; readonly datasetName: string } | null;
  /** With names of which none is there twice. */
  readonly recipes: readonly DesignRecipe[];
  /** Each name once; null: this device alone. */
  readonly placements: readonly (TierPlacement | null)[];
  readonly providers: readonly (Provider | 'auto')[];
  readonly threads: readonly (number | 'auto')[];
  /** Null: what suits model and images. */
  readonly inputSizes: readonly (InputSize | null)[];
  /** Keys of the cells that the user excluded. */
  readonly excluded: readonly string[];
  readonly order: 'as-listed' | 'information';
  /** At most so long by what is expected: what comes last in the order is left out. Null: all. */
  readonly budgetMs: number | null;
  readonly protocol: Protocol;
}

/** A recipe of a plan; recipes that name values belong to certain models. */
export interface DesignRecipe extends NamedRecipe {
  /** Left out: all. */
  readonly modelIds?: readonly string[];
}

/** One combination. */
export interface Cell {
  /** Names it within its plan, readable: model, recipe, placement, provider, threads and size. */
  readonly key: string;
  readonly model: StudiedModel;
  readonly recipe: DesignRecipe;
  readonly placement: TierPlacement | null;
  readonly provider: Provider | 'auto';
  readonly threads: number | 'auto';
  readonly inputSize: InputSize | null;
}

/** All combinations, models outermost; as many as the product of the axes' lengths. */
export function cellsOf(design: StudyDesign): readonly Cell[] {
  const cells: Cell[] = [];
  for (const model of design.models)
    for (const inputSize of design.inputSizes)
      for (const provider of design.providers)
        for (const threads of design.threads)
          for (const recipe of design.recipes)
            for (const placement of design.placements) {
              const axes = { model, recipe, placement, provider, threads, inputSize };
              cells.push({ key: cellKey(axes), ...axes });
            }
  return cells;
}

/** See `Cell.key`. */
export function cellKey({
  model,
  recipe,
  placement,
  provider,
  threads,
  inputSize,
}: Omit<Cell, 'key'>): string {
  return JSON.stringify([
    model.modelId,
    recipe.name,
    placement?.name ?? 'here',
    provider,
    threads,
    sizeText(inputSize),
  ]);
}

/** The plan with these cells excluded, or no longer; those of other axes stay as they are. */
export function withExcluded(design: StudyDesign, keys: readonly string[], isExcluded: boolean): StudyDesign {
  const others = design.excluded.filter((key) => !keys.includes(key));
  return { ...design, excluded: isExcluded ? [...others, ...keys] : others };
}

/** An axis whose values people add and take away one by one. */
export type Axis = 'placements' | 'providers' | 'threads' | 'inputSizes';

const fieldOf = {
  placements: 'placement',
  providers: 'provider',
  threads: 'threads',
  inputSizes: 'inputSize',
} as const satisfies Readonly<Record<Axis, keyof Cell>>;

/**
 * The plan with other values on an axis. Cells of new values are excluded where all their neighbours along the axis
 * were: what was left out of a plan does not come back with another number of threads.
 */
export function withAxis<A extends Axis>(design: StudyDesign, axis: A, values: StudyDesign[A]): StudyDesign {
  const place = (cell: Cell): string => JSON.stringify({ ...cell, key: '', [fieldOf[axis]]: '' });
  const excluded = new Set(design.excluded);
  const before = cellsOf(design);
  const known = new Set(before.map(({ key }) => key));
  const open = new Set(before.filter(({ key }) => !excluded.has(key)).map(place));
  const next = { ...design, [axis]: values };
  const added = cellsOf(next).filter((cell) => !known.has(cell.key) && !excluded.has(cell.key));
  return {
    ...next,
    excluded: [...design.excluded, ...added.filter((cell) => !open.has(place(cell))).map(({ key }) => key)],
  };
}

/** Whether a recipe of a plan is for this model. */
export function isMeantFor({ modelIds }: DesignRecipe, { modelId }: StudiedModel): boolean {
  return modelIds?.includes(modelId) ?? true;
}

/** What `auto` means for a model on the device at hand. */
export type PlaceOf = (cell: Cell) => { readonly provider: Provider; readonly threads: number };

/**
 * The strategy of a cell, under a name that tells it from all others of the plan: of each axis with several values
 * it says which.
 */
export function strategyOf(cell: Cell, design: StudyDesign, placeOf: PlaceOf): Strategy {
  const { model, recipe, placement, inputSize } = cell;
  const { provider, threads } = placeOf(cell);
  const parts = [
    ...(design.inputSizes.length > 1 && inputSize ? [sizeText(inputSize)] : []),
    ...(design.providers.length > 1 ? [provider] : []),
    ...(design.threads.length > 1 ? [`${threads} ${threads === 1 ? 'thread' : 'threads'}`] : []),
    ...(design.models.length > 1 ? [modelTitle(model)] : []),
  ];
  const placed = placement === null ? recipe.name : placedName(recipe.name, placement.name);
  const name = [placed, ...parts].join(' · ');
  return makeStrategy(
    model.modelId,
    { name, recipe: recipe.recipe },
    provider,
    threads,
    placement,
    inputSize,
  );
}

/** A model's file name without its extension. */
export function modelTitle({ modelName }: StudiedModel): string {
  return modelName.replace(/\.(onnx|ort|pb)$/i, '');
}

/** `224x224`; `own` for what suits model and images. */
export function sizeText(size: InputSize | null): string {
  return size === null ? 'own' : `${size.height}x${size.width}`;
}

/** Into how many parts a recipe's cuts divide a model. */
export function partsOf(recipe: Recipe): number {
  const partition = recipe.find((operator: Operator) => operator.op === 'partition');
  if (partition === undefined) return 1;
  return partition.cuts === undefined ? 2 : 3;
}
