import { attempt } from '../base/result.ts';
import { profileModel } from '../clients/profile-model.ts';
import { speedFactorFrom } from '../study/placement/speed-from-study.ts';
import {
  DEFAULT_SETUP,
  type PlacementName,
  type TierPlacement,
  type TierSetup,
} from '../study/placement/tiers.ts';
import type { Trial } from '../study/trial.ts';
import type { CostProfile } from '../study/profile/cost-profile.ts';
import { parseStudy } from '../study/study-json.ts';
import type { Tier } from '../transforms/variant.ts';
import { sameRecipe } from './recipe-slice.ts';
import type { Slice } from './slice.ts';
import type { ListedRecipe } from './strategy-slice.ts';
import { strategyPlace } from './study-slice.ts';
import { modelWorker } from './workers.ts';

/** The oldest profile goes first. */
const mostProfiles = 20;

export interface PlacementSlice {
  /** The tiers and links that placements are emulated with. */
  readonly tierSetup: TierSetup;
  readonly sends: TierPlacement['sends'];
  /** The pair of tiers whose prediction stands beside a cut. */
  readonly shownPlacement: PlacementName;
  /** What nodes take on this device, by `profileKey`. */
  readonly profiles: ReadonlyMap<string, CostProfile>;
  readonly isProfiling: boolean;
  readonly changeTierSetup: (setup: TierSetup) => void;
  readonly changeSends: (sends: TierPlacement['sends']) => void;
  readonly showPlacement: (name: PlacementName) => void;
  /** Sets a tier's speed to that of the device of another study, by what both devices measured. */
  readonly importTierSpeed: (tier: Tier, studyJson: string) => Promise<void>;
  /** Measures what each node of the open model takes here. */
  readonly profile: () => Promise<void>;
  readonly cancelProfiling: () => void;
}

/**
 * What a profile belongs to, besides this device.
 * @param arithmetic of the kernels, see `arithmeticOf`
 */
export function profileKey(modelId: string, provider: string, threads: number, arithmetic = ''): string {
  return `${modelId} ${provider} ${threads}${arithmetic === '' ? '' : ` ${arithmetic}`}`;
}

/** An entry's placement with the tiers and links of now; null: this device alone. */
export function placementFor(
  { placement }: Pick<ListedRecipe, 'placement'>,
  { tierSetup, sends }: Pick<PlacementSlice, 'tierSetup' | 'sends'>,
): TierPlacement | null {
  return placement ? { name: placement, sends, setup: tierSetup } : null;
}

/** Whether a trial is about a listed recipe on the placement it would have now. */
export function isTrialOf(
  { strategy }: Trial,
  entry: Pick<ListedRecipe, 'recipe' | 'placement'>,
  lab: Pick<PlacementSlice, 'tierSetup' | 'sends'>,
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

export const createPlacementSlice: Slice<PlacementSlice> = (set, get) => {
  let control: AbortController | null = null;
  return {
    tierSetup: DEFAULT_SETUP,
    sends: 'encoded-image',
    shownPlacement: 'mobile-edge',
    profiles: new Map(),
    isProfiling: false,
    changeTierSetup: (tierSetup) => set({ tierSetup }),
    changeSends: (sends) => set({ sends }),
    showPlacement: (shownPlacement) => set({ shownPlacement }),
    importTierSpeed: async (tier, studyJson) => {
      const found = await attempt(() => speedFactorFrom(parseStudy(studyJson).trials, get().trials));
      if (!found.ok) return get().reportFailure('That study tells no speed', found.failure);
      const { tierSetup, tell } = get();
      const { speedFactor, strategies } = found.value;
      const changed = { ...tierSetup.tiers[tier], speedFactor: Number(speedFactor.toPrecision(3)) };
      set({ tierSetup: { ...tierSetup, tiers: { ...tierSetup.tiers, [tier]: changed } } });
      tell(
        `The ${tier} tier is ${changed.speedFactor} times as fast as this device`,
        strategies === 1
          ? 'By the one strategy both measured.'
          : `By ${strategies} strategies both measured.`,
      );
    },
    profile: async () => {
      const { model, data, preprocessing, environment, settings, run, isProfiling } = get();
      const worker = modelWorker();
      if (isProfiling || !model || !worker || !data || !environment) return;
      if (run || !preprocessing) {
        const failure = run
          ? { code: 'busy', message: 'a study is running', hint: 'Wait for it, or cancel it first.' }
          : { code: 'no-preprocessing', message: 'no images are open that fit the model' };
        return get().reportFailure('The model cannot be profiled now', failure);
      }
      const { view } = model;
      const { provider, threads } = strategyPlace(settings, environment, view.totals.macs);
      control = new AbortController();
      const { signal } = control;
      set({ isProfiling: true });
      const request = { model: worker, view, data, preprocessing, provider, threads };
      const profiled = await attempt(() => profileModel(request, signal));
      set({ isProfiling: false });
      if (signal.aborted) return;
      const result = profiled.ok ? profiled.value : profiled;
      if (!result.ok) return get().reportFailure('The model could not be profiled', result.failure);
      const key = profileKey(view.modelId, provider, threads);
      set(({ profiles }) => {
        const others = [...profiles].filter(([other]) => other !== key).slice(1 - mostProfiles);
        return { profiles: new Map([...others, [key, result.value]]) };
      });
    },
    cancelProfiling: () => control?.abort(),
  };
};
