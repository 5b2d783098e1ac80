import { useMemo } from 'react';
import { formatShare } from '../../base/units.ts';
import { imagesToTrainWith } from '../../study/evaluation-images.ts';
import type { Failure } from '../../base/result.ts';
import { backboneOf } from '../../transforms/exits/backbone.ts';
import { headsFor } from '../../transforms/exits/heads-of-recipe.ts';
import { useLab } from '../../store/lab.ts';
import { modelWorker } from '../../store/workers.ts';
import { serialiseHeads, type TrainedHead } from '../../transforms/exits/trained-head.ts';
import { tapPlaces, withoutTap, withTapMoved } from '../../transforms/exits/trained-placement.ts';
import type { TrainedExitOperator } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { saveFile } from '../ui/save-file.ts';
import type { LearningProgress } from '../../transforms/exits/train-head.ts';
import { LearningCurve } from './LearningCurve.tsx';
import styles from './TrainExits.module.css';

/** Training of a recipe's exits: the button, what is going on, and what each exit can do. */
export function TrainExits({ operator }: { readonly operator: TrainedExitOperator }) {
  const heads = useLab((lab) => lab.heads);
  const training = useLab((lab) => lab.exitTraining);
  const told = useLab((lab) => lab.exitTrainingProblem);
  // An exit that was moved or left out since has no problem any more.
  const problem = operator.at.includes(told?.where ?? operator.at[0] ?? '') ? told : null;
  const isHollow = useLab((lab) => lab.model?.view.hollow ?? false);
  const images = useTrainingImages();
  const train = useLab((lab) => lab.trainExits);
  const recipe = useLab((lab) => lab.recipes.present);
  const headOf = headsFor(recipe, heads);
  const missing = operator.at.filter((value) => !headOf.has(value)).length;
  const isChanged = backboneOf(recipe).length > 0;
  return (
    <div className={styles.train}>
      {training ? (
        <Training />
      ) : (
        <Button look={missing > 0 ? 'primary' : 'plain'} disabled={images === 0} onClick={() => void train()}>
          {missing > 0
            ? `Train ${exits(missing)} on ${images} images`
            : `Train ${exits(operator.at.length)} again`}
        </Button>
      )}
      {problem && <Problem failure={problem} />}
      {problem && !training && <Instead failure={problem} />}
      {missing > 0 && isChanged && !training && (
        <p className={`${panel.dim} ${panel.small}`}>
          Pruned weights and skipped blocks change what exits see, so they are trained for this recipe. Until
          then exits trained for the unchanged model stand in, where there are any.
        </p>
      )}
      <ul className={panel.stack} aria-label="What the exits can do">
        {operator.at.map((value, index) => {
          const head = headOf.get(value);
          return head && <TrainedExit key={value} name={`Exit ${index + 1}`} head={head} />;
        })}
      </ul>
      {missing === 0 && !training && <Files operator={operator} heads={[...headOf.values()]} />}
      <p className={`${panel.dim} ${panel.small}`}>
        Half of the images train exits, in every class; studies with trained exits tell accuracy on the other
        half, for all their strategies.
        {isHollow && ' The weights of this model are random: the accuracy of its exits means nothing.'}
      </p>
    </div>
  );
}

/** What can be learned from the images though the training was refused. */
function Instead({ failure: { code, where } }: { readonly failure: Failure }) {
  const train = useLab((lab) => lab.trainExits);
  if ((code === 'head-bad-features' || code === 'head-too-large') && where !== undefined)
    return <OtherPlace value={where} />;
  const canLeaveOut = code === 'head-too-few-images';
  const canLearnAnswers =
    canLeaveOut || ['head-no-full-classes', 'head-class-range', 'head-one-class'].includes(code);
  if (!canLearnAnswers) return null;
  return (
    <div className={panel.buttons}>
      {canLeaveOut && (
        <Button onClick={() => void train({ fewImages: 'leave-out' })}>Train without these classes</Button>
      )}
      <Button onClick={() => void train({ targets: 'predictions' })}>Learn the model’s own answers</Button>
    </div>
  );
}

/** Where an exit finds too many features, or no finite numbers: what comes before is better more likely than what follows. */
function OtherPlace({ value }: { readonly value: string }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const view = useLab((lab) => lab.model?.view);
  const editRecipe = useLab((lab) => lab.editRecipe);
  if (!view) return null;
  const places = tapPlaces(view);
  const earlier = places[places.findIndex((place) => place.value === value) - 1]?.value;
  return (
    <div className={panel.buttons}>
      {earlier !== undefined && (
        <Button onClick={() => editRecipe(withTapMoved(recipe, view, value, earlier))}>
          Move it one place earlier
        </Button>
      )}
      <Button onClick={() => editRecipe(withoutTap(recipe, view, value))}>Leave this exit out</Button>
    </div>
  );
}

function exits(count: number): string {
  return count === 1 ? '1 exit' : `${count} exits`;
}

function useTrainingImages(): number {
  const data = useLab((lab) => lab.data);
  return useMemo(
    () => (data ? imagesToTrainWith(data.dataset.items.map(({ label }) => label)).length : 0),
    [data],
  );
}

function Training() {
  const progress = useLab((lab) => lab.exitTraining?.progress ?? null);
  const cancel = useLab((lab) => lab.cancelExitTraining);
  const what =
    progress === null
      ? 'Making the model that computes features'
      : progress.kind === 'features'
        ? `Features of ${progress.done} of ${progress.total} images`
        : `Exit ${progress.position + 1} of ${progress.count} learns: ${learningText(progress.now)}`;
  const share =
    progress?.kind === 'features'
      ? progress.done / Math.max(1, progress.total)
      : progress?.now.kind === 'finishing'
        ? progress.now.step / progress.now.steps
        : null;
  return (
    <div className={panel.stack}>
      <p className={panel.small} role="status">
        {what}
      </p>
      <ProgressBar share={share} label={what} />
      {progress?.kind === 'learning' && <LearningCurve curve={progress.curve} />}
      <Button onClick={cancel}>Cancel the training</Button>
    </div>
  );
}

function learningText(now: LearningProgress): string {
  if (now.kind === 'finishing') return `once more from all images, step ${now.step} of ${now.steps}`;
  const { attempt, attempts, point } = now;
  const tried = attempts > 1 ? `try ${attempt + 1} of ${attempts}, ` : '';
  return `${tried}step ${point.step}, ${formatShare(point.validationAccuracy)} right so far`;
}

function TrainedExit({ name, head }: { readonly name: string; readonly head: TrainedHead }) {
  const { training, classCount } = head;
  const { validationAccuracy, validationImages, trainingImages, missingClasses, targetSource } = training;
  const { leftOutImages = 0 } = training;
  return (
    <li className={styles.exit}>
      <p>
        <strong>
          {name}: {formatShare(validationAccuracy)}
        </strong>{' '}
        <span className={`${panel.dim} ${panel.small}`}>
          {targetSource === 'labels' ? 'right' : 'as the whole model'} on {validationImages} images held back,
          then learned from all {trainingImages + validationImages}
          {leftOutImages > 0 &&
            ` · ${leftOutImages} left out, which cannot be decoded or give no finite numbers here`}
          {missingClasses.length > 0 &&
            ` · never chooses ${missingClasses.length} of ${classCount} classes, which have too few images`}
        </span>
      </p>
      <LearningCurve curve={training.curve} />
    </li>
  );
}

/** The model with its exits as an ordinary ONNX file, and the heads for the command line. */
function Files(props: { readonly operator: TrainedExitOperator; readonly heads: readonly TrainedHead[] }) {
  const { operator, heads } = props;
  const model = useLab((lab) => lab.model);
  const recipe = useLab((lab) => lab.recipes.present);
  const openModel = useLab((lab) => lab.openModel);
  const reportFailure = useLab((lab) => lab.reportFailure);
  const { op, kind, at, seed } = operator;
  const withModel = async (use: (file: File) => unknown) => {
    const built = await modelWorker()?.build([
      ...backboneOf(recipe),
      { op, kind, at, ...(seed === undefined ? {} : { seed }) },
    ]);
    const blob = built?.ok ? built.value.files[0]?.blob : undefined;
    if (blob) await use(new File([blob], `${model?.name ?? 'model'}-exits.onnx`));
    else if (built && !built.ok) reportFailure('The model with exits could not be made', built.failure);
  };
  return (
    <div className={panel.buttons}>
      <Button onClick={() => void withModel((file) => saveFile(file.name, file))}>Download with exits</Button>
      <Button
        onClick={() =>
          void withModel((file) => openModel({ kind: 'file', file: { path: file.name, file }, external: [] }))
        }
      >
        Open with exits
      </Button>
      <Button onClick={() => saveFile('heads.json', serialiseHeads(heads), 'application/json')}>
        heads.json
      </Button>
    </div>
  );
}
