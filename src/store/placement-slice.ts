import { attempt, InputError, outcomeOf } from '../base/result.ts';
import { countedKey } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { arithmeticOf } from '../study/placement/predict-strategy.ts';
import { speedFactorFrom } from '../study/placement/speed-from-study.ts';
import {
  deviceProfile,
  measuredThere,
  type TierProfile,
  tierProfileOf,
} from '../study/placement/tier-profile.ts';
import {
  DEFAULT_SETUP,
  type MeasuredThere,
  type PlacementName,
  type TierPlacement,
  type TierSetup,
  type TierSpec,
  tiersOfPlacement,
} from '../study/placement/tiers.ts';
import type { DeviceProfile, Provider, Trial } from '../study/trial.ts';
import type { CostProfile } from '../study/profile/cost-profile.ts';
import type { ProfileProgress } from '../study/progress.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Tier } from '../transforms/variant.ts';
import { sameRecipe } from './recipe-slice.ts';
import type { Lab, Slice } from './slice.ts';
import type { GivenRecipe, ListedRecipe } from './strategy-slice.ts';
import { strategyPlace } from './study-slice.ts';
import { busyStudy } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** The oldest profile goes first. */
const mostProfiles = 20;

export interface PlacementSlice {
  /** The tiers and links that placements are emulated with. */
  readonly tierSetup: TierSetup;
  readonly sends: TierPlacement['sends'];
  /** The pair of tiers whose prediction stands beside a cut. */
  readonly shownPlacement: PlacementName;
  /** What other devices measured that stand for tiers; one about another model than the open one does not count. */
  readonly tierProfiles: TierProfiles;
  /** What nodes take on this device, by `profileKey`. */
  readonly profiles: ReadonlyMap<string, CostProfile>;
  readonly isProfiling: boolean;
  /** How far profiling is; null before it began. */
  readonly profileProgress: ProfileProgress | null;
  readonly changeTierSetup: (setup: TierSetup) => void;
  readonly changeSends: (sends: TierPlacement['sends']) => void;
  /** Takes over the tiers and links of placements from a file; where they differ among each other, those of the first. */
  readonly adoptSetup: (placements: readonly TierPlacement[]) => void;
  readonly showPlacement: (name: PlacementName) => void;
  /** Lets the device of another study stand for a tier, with all that it measured of the open model. */
  readonly importTier: (tier: Tier, studyJson: string) => Promise<void>;
  /** Takes a tier's times from this device and the speed factor again. */
  readonly forgetTier: (tier: Tier) => void;
  /** Measures what each node of the open model takes here, in its own arithmetic and in that of the recipes at hand. */
  readonly profile: () => Promise<void>;
  readonly cancelProfiling: () => void;
  /** Adds a recipe on these placements to the study. */
  readonly listPlaced: (recipe: Recipe, names: readonly PlacementName[]) => void;
  /** Measures a recipe on these placements at once, and nothing else that is listed. */
  readonly measurePlaced: (recipe: Recipe, names: readonly PlacementName[]) => Promise<void>;
  /** Measures these at once, and nothing else that is listed; the model is profiled before, if it is not yet. */
  readonly measureRecipes: (given: readonly GivenRecipe[]) => Promise<void>;
}

/**
 * What a profile belongs to, besides this device.
 * @param arithmetic of the kernels, see `arithmeticOf`
 */
export function profileKey(view: GraphView, provider: string, threads: number, arithmetic = ''): string {
  return `${profiledModel(view)} ${provider} ${threads}${arithmetic === '' ? '' : ` ${arithmetic}`}`;
}

/** The model, and at which size if it leaves that open: times at another size are others. */
function profiledModel(view: GraphView): string {
  const size = countedKey(view);
  return size === '' ? view.modelId : `${view.modelId}@${size}`;
}

export type TierProfiles = Partial<Readonly<Record<Tier, TierProfile>>>;

/** What decides about placements besides the recipe. */
type PlacementState = Pick<Lab, 'tierSetup' | 'sends' | 'tierProfiles' | 'model'>;

/** The profiles of this device that belong to a model, as a study.json takes them along. */
export function deviceProfilesOf(
  profiles: PlacementSlice['profiles'],
  modelId: string,
): readonly DeviceProfile[] {
  // Of several sizes of the images, the last one counts.
  const latest = new Map<string, DeviceProfile>();
  for (const [key, profile] of profiles) {
    const [id, provider, threads, ...arithmetic] = key.split(' ');
    if (id?.split('@', 1)[0] !== modelId) continue;
    const place = {
      provider: provider as Provider,
      threads: Number(threads),
      arithmetic: arithmetic.join(' '),
    };
    const told = deviceProfile(profile, place);
    if (told !== null) latest.set(JSON.stringify(place), told);
  }
  return [...latest.values()];
}

/** An entry's placement with the tiers and links of now; null: this device alone. */
export function placementFor(
  { recipe, placement }: Pick<ListedRecipe, 'recipe' | 'placement'>,
  { tierSetup, sends, tierProfiles, model }: PlacementState,
): TierPlacement | null {
  if (!placement) return null;
  const tiers = { ...tierSetup.tiers };
  for (const tier of tiersOfPlacement(placement)) {
    const profile = tierProfiles[tier];
    const measured = profile && model && measuredOnTier(profile, model.view, recipe);
    if (measured) tiers[tier] = { ...tiers[tier], measured };
  }
  return { name: placement, sends, setup: { ...tierSetup, tiers } };
}

/** Lists ask for every entry and trial. */
const resolved = new WeakMap<TierProfile, WeakMap<Recipe, MeasuredThere | null>>();

function measuredOnTier(profile: TierProfile, view: GraphView, recipe: Recipe): MeasuredThere | null {
  const known = resolved.get(profile) ?? new WeakMap<Recipe, MeasuredThere | null>();
  resolved.set(profile, known);
  let measured = known.get(recipe);
  // A profile is about one model, so the view need not be told apart.
  if (measured === undefined) {
    if (profile.modelId !== view.modelId) return null;
    known.set(recipe, (measured = measuredThere(profile, view, recipe)));
  }
  return measured;
}

/** Whether a trial is about a listed recipe on the placement it would have now. */
export function isTrialOf(
  { strategy }: Trial,
  entry: Pick<ListedRecipe, 'recipe' | 'placement'>,
  lab: PlacementState,
): boolean {
  return (
    sameRecipe(strategy.recipe, entry.recipe) &&
    samePlacement(strategy.placement ?? null, placementFor(entry, lab))
  );
}

/** Asked often, and mostly about strategies without one. */
function samePlacement(a: TierPlacement | null, b: TierPlacement | null): boolean {
  return a === b || (a?.name === b?.name && JSON.stringify(a) === JSON.stringify(b));
}

/** Loaded when they are first asked for. */
const profiling = () => import('../clients/profile-model.ts');
const reading = () => import('../study/study-json.ts');

export const createPlacementSlice: Slice<PlacementSlice> = (set, get) => {
  let control: AbortController | null = null;
  return {
    tierSetup: DEFAULT_SETUP,
    sends: 'encoded-image',
    shownPlacement: 'mobile-edge',
    tierProfiles: {},
    profiles: new Map(),
    isProfiling: false,
    profileProgress: null,
    changeTierSetup: (tierSetup) => set({ tierSetup }),
    changeSends: (sends) => set({ sends }),
    adoptSetup: (placements) => {
      const [first, ...others] = placements.map(({ setup, sends }) => ({
        tierSetup: unmeasured(setup),
        sends,
      }));
      if (first === undefined) return;
      const { tierSetup, sends, tell } = get();
      const text = JSON.stringify(first);
      if (text !== JSON.stringify({ tierSetup, sends })) {
        set(first);
        tell('Tiers and links are those of the file');
      }
      if (others.some((other) => JSON.stringify(other) !== text))
        get().reportFailure('The placements of the file have different tiers', {
          code: 'placements-differ',
          message: 'found several tiers and links, wanted the same for all: the app has one set at a time',
          hint: 'Those of the first placement count; npm run study measures each with its own.',
        });
    },
    showPlacement: (shownPlacement) => set({ shownPlacement }),
    importTier: async (tier, studyJson) => {
      const view = get().model?.view;
      if (!view) return;
      const read = await attempt(async () => {
        const { parseStudy } = await reading();
        const study = parseStudy(studyJson);
        const profile = tierProfileOf(study, view);
        return { profile, speedFactor: speedFactorOrNull(study.trials, get().trials) };
      });
      if (!read.ok) return get().reportFailure(`Nothing is taken for the ${tier} tier`, read.failure);
      const { profile, speedFactor } = read.value;
      const { tierSetup, tierProfiles, tell } = get();
      const before = tierSetup.tiers[tier];
      const spec = { ...before, speedFactor: speedFactor ?? before.speedFactor };
      set({
        tierSetup: { ...tierSetup, tiers: { ...tierSetup.tiers, [tier]: spec } },
        tierProfiles: { ...tierProfiles, [tier]: profile },
      });
      tell(`The ${tier} tier is ${profile.device}`, whatIsTold(profile, speedFactor));
    },
    forgetTier: (tier) =>
      set(({ tierProfiles }) => ({
        tierProfiles: Object.fromEntries(Object.entries(tierProfiles).filter(([name]) => name !== tier)),
      })),
    profile: async () => {
      const { model, data, preprocessing, environment, settings, isProfiling, reportFailure } = get();
      const worker = modelWorker();
      if (isProfiling || !model || !worker || !data || !environment) return;
      const busy = busyStudy(get());
      if (busy) return reportFailure('The model cannot be profiled now', busy);
      if (!preprocessing) {
        const failure = { code: 'no-preprocessing', message: 'no images are open that fit the model' };
        return reportFailure('The model cannot be profiled now', failure);
      }
      const { view } = model;
      const { provider, threads } = strategyPlace(settings, environment, view.totals.macs);
      control = new AbortController();
      const { signal } = control;
      set({ isProfiling: true });
      for (const arithmetic of arithmeticsOf(get())) {
        const request = { model: worker, view, data, preprocessing, provider, threads, arithmetic };
        const calibrated = await get().calibrateFor(arithmetic);
        if (!calibrated.ok) {
          get().reportFailure('The quantized model could not be profiled', calibrated.failure);
          break;
        }
        const result = await outcomeOf(async () => {
          const { profileModel } = await profiling();
          return profileModel(request, signal, (profileProgress) => set({ profileProgress }));
        });
        if (signal.aborted) break;
        if (!result.ok) {
          get().reportFailure('The model could not be profiled', result.failure);
          break;
        }
        const key = profileKey(view, provider, threads, arithmeticOf(arithmetic));
        set(({ profiles }) => {
          const others = [...profiles].filter(([other]) => other !== key).slice(1 - mostProfiles);
          return { profiles: new Map([...others, [key, result.value]]) };
        });
      }
      set({ isProfiling: false, profileProgress: null });
    },
    cancelProfiling: () => control?.abort(),
    listPlaced: (recipe, names) => {
      get().listRecipes(placedOn(recipe, names));
      get().tell(
        names.length === 1 ? `${names[0]} is in the study` : `${names.length} placements are in the study`,
      );
    },
    measurePlaced: (recipe, names) => get().measureRecipes(placedOn(recipe, names)),
    measureRecipes: async (given) => {
      if (get().run || get().isProfiling) return;
      get().chooseAllListed(false);
      get().listRecipes(given);
      if (lacksProfile(get())) {
        await get().profile();
        if (control?.signal.aborted) return;
      }
      await get().measure();
    },
  };
};

/** The tiers without what another device measured for a certain recipe. */
function unmeasured({ tiers, links }: TierSetup): TierSetup {
  const plain = (tier: Tier): TierSpec => {
    const { speedFactor, memoryLimitBytes } = tiers[tier];
    return { speedFactor, memoryLimitBytes };
  };
  return { tiers: { mobile: plain('mobile'), edge: plain('edge'), cloud: plain('cloud') }, links };
}

function placedOn(recipe: Recipe, names: readonly PlacementName[]): readonly GivenRecipe[] {
  const whole: Recipe = recipe.length > 0 ? recipe : [{ op: 'identity' }];
  return names.map((placement) => ({ recipe: whole, placement }));
}

/** Whether predictions would rest on less than could be measured. */
function lacksProfile(lab: Lab): boolean {
  const { model, environment, settings, profiles } = lab;
  if (!model || !environment) return false;
  const { view } = model;
  const { provider, threads } = strategyPlace(settings, environment, view.totals.macs);
  return arithmeticsOf(lab).some(
    (arithmetic) => !profiles.has(profileKey(view, provider, threads, arithmeticOf(arithmetic))),
  );
}

/** By the strategies that both devices measured; null if there is none. */
function speedFactorOrNull(there: readonly Trial[], here: readonly Trial[]): number | null {
  try {
    return Number(speedFactorFrom(there, here).speedFactor.toPrecision(3));
  } catch (thrown) {
    if (thrown instanceof InputError) return null;
    throw thrown;
  }
}

function whatIsTold({ recipes, nodes }: TierProfile, speedFactor: number | null): string {
  const parts = [
    ...(recipes.length > 0 ? [`${recipes.length} recipes as they ran there`] : []),
    ...(nodes.length > 0 ? ['all others by what the nodes took there'] : []),
    ...(nodes.length === 0
      ? [
          speedFactor === null
            ? 'all others by the speed factor as it was: nothing was measured on both devices'
            : `all others by a speed factor of ${speedFactor}, from what both devices measured`,
        ]
      : []),
  ];
  return `Its times count: ${parts.join(', ')}.`;
}

/** What is to be profiled: the model's own arithmetic, and those of the recipe on the canvas and of the chosen ones. */
function arithmeticsOf({ recipes, listed }: Lab): readonly Recipe[] {
  const all = [recipes.present, ...listed.filter(({ chosen }) => chosen).map(({ recipe }) => recipe)];
  const steps = all.map((recipe) => normaliseRecipe(recipe).filter(({ op }) => op === 'quantize'));
  const quantized = new Map(
    steps.filter((step) => step.length > 0).map((step) => [arithmeticOf(step), step]),
  );
  return [[], ...quantized.values()];
}
