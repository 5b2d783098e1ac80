import { useRef, useState } from 'react';
import type { Failure } from '../../base/result.ts';
import type { Camera } from '../../clients/camera.ts';
import { useLab } from '../../store/lab.ts';
import { classNamesOf } from '../../data/class-names.ts';
import type { LiveAnswer } from '../../study/live/live-tally.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, CheckField, FileButton, SelectField } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { Modal } from '../ui/Modal.tsx';
import styles from './Camera.module.css';
import { CapturedImages } from './CapturedImages.tsx';
import { LiveAnswers } from './LiveAnswers.tsx';
import { type MaskLook, useLiveMask } from './LiveMask.tsx';
import { useShots } from '../../store/use-shots.ts';
import { type PictureSource, useEngines, useFrames, useIsVisible, usePicture } from './use-live.ts';

/** The chosen variant on what the camera sees, beside the model as it is; frames can be kept as images. */
export function CameraDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Camera" onClose={onClose}>
      <CameraView onClose={onClose} />
    </Modal>
  );
}

const onCanvas = 'canvas';
const NO_NAMES = { classNames: [] };
const NO_ANSWERS: readonly LiveAnswer[] = [];
const anyCamera: PictureSource = { kind: 'camera', id: null };

function CameraView({ onClose }: { readonly onClose: () => void }) {
  const view = useLab((lab) => lab.model?.view);
  const present = useLab((lab) => lab.recipes.present);
  const trials = useLab((lab) => lab.trials);
  const selectedId = useLab((lab) => lab.selectedTrialId);
  const data = useLab((lab) => lab.data);
  const classOffset = useLab((lab) => lab.preprocessing?.classOffset) ?? 0;
  const ignored = useLab((lab) => lab.preprocessing?.ignoredLabel) ?? null;
  const [variantId, chooseVariant] = useState(selectedId ?? onCanvas);
  const [isBeside, setBeside] = useState(true);
  const [source, setSource] = useState<PictureSource>(anyCamera);
  const [cameras, setCameras] = useState<readonly Camera[]>([]);
  const video = useRef<HTMLVideoElement>(null);

  const ours = trials.filter(({ strategy }) => strategy.modelId === view?.modelId);
  const strategy = ours.find(({ id }) => id === variantId)?.strategy ?? null;
  const recipe = strategy?.recipe ?? present;
  const isUnchanged = isIdentity(recipe);
  const isCompared = isBeside && !isUnchanged;
  const names = [strategy?.name ?? 'the recipe', ...(isCompared ? ['original'] : [])];

  const engines = useEngines(recipe, isCompared, strategy);
  const isVisible = useIsVisible();
  const picture = usePicture(video, source, isVisible, setCameras);
  const shots = useShots();
  const running = engines?.ok && picture?.ok ? engines.value : null;
  const { tally, failure, capture } = useFrames(video, running, shots.keep);
  const problem: Failure | null = [engines, picture].find((each) => each?.ok === false)?.failure ?? failure;
  const classNames = classNamesOf(data?.dataset ?? NO_NAMES, view, classOffset);
  const nameOfLabel = (label: number): string => classNames[label] || `class ${label}`;
  const nameOfClass = (best: number): string => nameOfLabel(best - classOffset);
  const look: MaskLook = { ignored, listed: data?.dataset.classColours, nameOfLabel };
  const last = tally.recent.at(-1)?.answers ?? NO_ANSWERS;
  const live = useLiveMask({ answers: last, names, look });
  const cameraId = source.kind === 'camera' ? (source.id ?? cameras[0]?.id ?? '') : '';

  return (
    <div className={styles.columns}>
      <div className={panel.stack}>
        <div className={styles.stage}>
          {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- a camera says nothing */}
          <video
            ref={video}
            className={styles.video}
            muted
            playsInline
            loop
            aria-label="What the camera sees"
          />
          {running && live.layer}
        </div>
        {live.choice}
        {problem && <Problem failure={problem} />}
        {problem && source.kind === 'camera' && (
          <div>
            <Button onClick={() => setSource({ ...source })}>Try again</Button>
          </div>
        )}
        <LiveAnswers
          tally={tally}
          names={names}
          exits={view?.exits.length ?? 1}
          nameOfClass={nameOfClass}
          look={look}
          waitsFor={problem ? null : engines === null ? 'Preparing the model…' : 'Waiting for a picture…'}
        />
      </div>
      <div className={panel.stack}>
        <SelectField
          title="Variant"
          value={strategy ? variantId : onCanvas}
          options={[
            { value: onCanvas, label: 'the recipe on the graph' },
            ...ours.map(({ id, strategy: { name } }) => ({ value: id, label: name })),
          ]}
          onChange={chooseVariant}
        />
        {!isUnchanged && (
          <CheckField
            title="Original beside it, on the same frames"
            checked={isBeside}
            onChange={setBeside}
          />
        )}
        {strategy?.placement && (
          <p className={`${panel.dim} ${panel.small}`}>
            All parts run on this device here: no tier is emulated.
          </p>
        )}
        {cameras.length > 1 && (
          <SelectField
            title="Camera"
            value={cameraId}
            options={[
              ...(source.kind === 'file' ? [{ value: '', label: source.file.name }] : []),
              ...cameras.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={(id) => setSource({ kind: 'camera', id })}
          />
        )}
        <div className={panel.buttons}>
          <FileButton accept="video/*" onFiles={([file]) => file && setSource({ kind: 'file', file })}>
            Video file…
          </FileButton>
          {source.kind === 'file' && <Button onClick={() => setSource(anyCamera)}>Back to the camera</Button>}
        </div>
        <p className={`${panel.dim} ${panel.small}`}>
          Pictures stay on this device. The camera is off while the page is hidden.
        </p>
        <CapturedImages
          shots={shots}
          answered={last.flatMap(({ best, mask }) => (mask ? [] : [best - classOffset]))}
          nameOfLabel={nameOfLabel}
          classCount={last.some(({ mask }) => mask) ? 0 : classCountOf(view) - classOffset}
          canCapture={running !== null && failure === null}
          capture={capture}
          onOpened={onClose}
        />
      </div>
    </div>
  );
}

/** Of the open model's final answer; 0 where its shape does not tell. */
function classCountOf(view: ReturnType<typeof openView>): number {
  const output = view?.exits.at(-1)?.output;
  const shape = output === undefined ? null : (view?.values.get(output)?.shape ?? null);
  return (shape ?? []).reduce<number>(
    (most, dim) => (typeof dim === 'number' ? Math.max(most, dim) : most),
    0,
  );
}

function openView() {
  return useLab.getState().model?.view;
}
