import type { Failure } from '../base/result.ts';
import type { GroupView } from '../transforms/prune/channels/group-view.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { OpenModel } from './model-slice.ts';
import type { Slice } from './slice.ts';
import { modelWorker } from './workers.ts';

export interface ChannelsSlice {
  /** The open model's groups of channels under the recipe on the canvas, once they were asked for. */
  readonly channelGroups: readonly GroupView[] | null;
  /** Why they could not be found. */
  readonly channelsProblem: Failure | null;
  /** Whether they are shown beside the graph; nodes that are tapped choose among them then. */
  readonly showsChannels: boolean;
  /** The `id` of the group that is lit on the graph. */
  readonly shownGroup: string | null;
  /** Whether all groups that cannot be pruned are lit instead. */
  readonly showsKept: boolean;
  /** Has the groups of the recipe on the canvas found, and found anew whenever it changes. */
  readonly followChannels: () => void;
  /** Shows the groups, and lights one on the graph. */
  readonly showChannels: (group: string | null) => void;
  /** Lights all groups that cannot be pruned. */
  readonly showKeptChannels: () => void;
  readonly closeChannels: () => void;
}

export const createChannelsSlice: Slice<ChannelsSlice> = (set, get, store) => {
  let isFollowing = false;
  /** What the groups at hand, or on their way, are of. */
  let asked: { readonly model: OpenModel | null; readonly recipe: Recipe } | null = null;

  const find = async () => {
    const { model, recipes } = get();
    const recipe = recipes.present;
    const worker = modelWorker();
    if (model === null || worker === null || (asked?.model === model && asked.recipe === recipe)) return;
    const now = (asked = { model, recipe });
    const found = await worker.channelGroups(recipe);
    // A later question has a later answer.
    if (asked !== now) return;
    // Before a mistake in the recipe is mended the groups stay as they were.
    if (found.ok) set({ channelGroups: found.value, channelsProblem: null });
    else set({ channelsProblem: found.failure });
  };

  store.subscribe((lab, before) => {
    if (lab.model?.view.modelId !== before.model?.view.modelId) {
      asked = null;
      isFollowing = false;
      set({
        channelGroups: null,
        channelsProblem: null,
        showsChannels: false,
        shownGroup: null,
        showsKept: false,
      });
    }
    if (isFollowing && (lab.model !== before.model || lab.recipes.present !== before.recipes.present))
      void find();
  });

  return {
    channelGroups: null,
    channelsProblem: null,
    showsChannels: false,
    shownGroup: null,
    showsKept: false,
    followChannels: () => {
      isFollowing = true;
      void find();
    },
    showChannels: (shownGroup) => {
      get().followChannels();
      set({ showsChannels: true, shownGroup, showsKept: false });
    },
    showKeptChannels: () => set({ showsChannels: true, shownGroup: null, showsKept: true }),
    closeChannels: () => set({ showsChannels: false, shownGroup: null, showsKept: false }),
  };
};
