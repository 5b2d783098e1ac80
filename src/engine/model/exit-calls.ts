import { attempt } from '../../base/result.ts';
import type { ModelApi } from '../../protocol/model-api.ts';
import { headsByKey, NO_HEADS } from '../../transforms/exits/trained-head.ts';
import { hasTrainedExits } from '../../transforms/exits/trained-placement.ts';
import { wholeFile } from './build-files.ts';
import { analysed } from './open-model.ts';
import type { Workbench } from './workbench.ts';

const applying = () => import('../../transforms/apply-recipe.ts');
const tapping = () => import('../../transforms/exits/attach-head.ts');

/** The part of a model's worker that is about exits whose heads are trained. */
export function exitCalls({
  store,
  current,
  findings,
  find,
}: Workbench): Pick<ModelApi, 'buildForFeatures' | 'useHeads'> {
  return {
    buildForFeatures: (values, backbone) =>
      attempt(async () => {
        const [{ applyRecipe }, { featureModel }] = await Promise.all([applying(), tapping()]);
        const open = current();
        const { statistics } = findings();
        const made = applyRecipe(analysed(open), backbone, 'build', NO_HEADS, statistics).analysed;
        return wholeFile(open, featureModel(made, values).model, 'features', store);
      }),

    useHeads: (given) =>
      attempt(() => {
        find({ heads: headsByKey(given) }, hasTrainedExits);
        return null;
      }),
  };
}
