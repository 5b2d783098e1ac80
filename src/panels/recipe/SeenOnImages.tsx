import { formatMs } from '../../base/units.ts';
import { serialiseStatistics } from '../../study/statistics-json.ts';
import { useLab } from '../../store/lab.ts';
import { statisticsByKey, statisticsOfRecipe } from '../../transforms/prune/statistics/channel-statistics.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { PassProgress } from '../ui/PassProgress.tsx';
import { saveFile } from '../ui/save-file.ts';

/** Of pruning that looks at images: what the recipe needs, and what is known of it. */
export function SeenOnImages({ recipe }: { readonly recipe: Recipe }) {
  const statistics = useLab((lab) => lab.statistics);
  const calibrating = useLab((lab) => lab.calibrating);
  const problem = useLab((lab) => lab.calibrationProblem);
  const learn = useLab((lab) => lab.calibrateFor);
  const cancel = useLab((lab) => lab.cancelCalibration);
  const known = statisticsOfRecipe(recipe, statisticsByKey(statistics));
  if (calibrating) {
    return (
      <PassProgress
        done={calibrating.progress?.done ?? 0}
        total={calibrating.progress?.total ?? 0}
        preparing="Preparing to look at images"
        doing="Looking at"
        cancelLabel="Cancel looking at images"
        onCancel={cancel}
      />
    );
  }
  const [first] = known;
  const elapsedMs = known.reduce((sum, each) => sum + each.elapsedMs, 0);
  return (
    <div className={panel.stack}>
      <p className={`${panel.dim} ${panel.small}`}>
        {first === undefined
          ? 'Measuring looks at images by itself, on the CPU wherever the model runs; nothing of them is kept but means of channels.'
          : `Channels were looked at on ${first.images === 1 ? 'one image' : `${first.images} images`}, in ${formatMs(elapsedMs)}.`}
      </p>
      {problem && <Problem failure={problem} />}
      <div className={panel.buttons}>
        <Button onClick={() => void learn(recipe)}>Look at images now</Button>
        {known.length > 0 && (
          <Button onClick={() => saveFile('statistics.json', serialiseStatistics(known), 'application/json')}>
            Save statistics.json
          </Button>
        )}
      </div>
    </div>
  );
}
