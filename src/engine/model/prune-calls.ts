import { attempt } from '../../base/result.ts';
import type { ModelApi } from '../../protocol/model-api.ts';
import { NO_HEADS } from '../../transforms/exits/trained-head.ts';
import { untilChannelsGo } from '../../transforms/order-of-effect.ts';
import { imagesPrunedWith, statisticsByKey } from '../../transforms/prune/statistics/channel-statistics.ts';
import { wholeFile } from './build-files.ts';
import { analysed } from './open-model.ts';
import type { Workbench } from './workbench.ts';

const applying = () => import('../../transforms/apply-recipe.ts');
const lookingAtChannels = () => import('../../transforms/prune/statistics/missing-statistics.ts');
const grouping = () => import('../../transforms/prune/channels/group-view.ts');
const gating = () => import('../../transforms/prune/gated-recipe.ts');
const looking = () => import('../prune-scans.ts');

/** The part of a model's worker that is about pruning, and about gates, which show what it would cost. */
export function pruneCalls({
  store,
  current,
  decided,
  findings,
  find,
}: Workbench): Pick<
  ModelApi,
  | 'buildForStatistics'
  | 'useStatistics'
  | 'channelGroups'
  | 'removableBlocks'
  | 'buildForGates'
  | 'pruneQuestions'
  | 'pruneGates'
  | 'planPruning'
  | 'plannedGates'
> {
  const scans = async () =>
    (await looking()).createPruneScans(() => ({ ...current(), statistics: findings().statistics }));

  return {
    buildForStatistics: (recipe) =>
      attempt(async () => {
        const { missingStatistics } = await lookingAtChannels();
        const open = current();
        const missing = missingStatistics(analysed(open), decided(recipe), findings().statistics);
        if (missing === null) return null;
        const { model, kind, of, samples, observed, batch } = missing;
        return { ...(await wholeFile(open, model, 'statistics', store)), kind, of, samples, observed, batch };
      }),

    useStatistics: (given) =>
      attempt(() => {
        find({ statistics: statisticsByKey(given) }, (recipe) => imagesPrunedWith(recipe) > 0);
        return null;
      }),

    channelGroups: (recipe) =>
      attempt(async () => {
        const [{ applyRecipe }, { groupViews }] = await Promise.all([applying(), grouping()]);
        const { before, operator } = untilChannelsGo(recipe);
        const original = analysed(current());
        const until =
          before.length === 0 ? original : applyRecipe(original, before, 'check', NO_HEADS).analysed;
        return groupViews(until, operator);
      }),

    removableBlocks: (recipe) =>
      attempt(async () => {
        const { removableBlocks } = await gating();
        return removableBlocks(analysed(current()), recipe, findings().statistics);
      }),

    buildForGates: (recipe, question) =>
      attempt(async () => {
        const { gatedRecipe } = await gating();
        const open = current();
        const gated = gatedRecipe(analysed(open), recipe, question, findings().statistics);
        const { gates, gateCount, firstBlock } = gated;
        return { ...(await wholeFile(open, gated.model, 'gates', store)), gates, gateCount, firstBlock };
      }),

    pruneQuestions: async (...asked) => (await scans()).pruneQuestions(...asked),
    pruneGates: async (...asked) => (await scans()).pruneGates(...asked),
    planPruning: async (...asked) => (await scans()).planPruning(...asked),
    plannedGates: async (...asked) => (await scans()).plannedGates(...asked),
  };
}
