import { useEffect, useMemo, useRef, useState } from 'react';
import type { Failure } from '../../base/result.ts';
import type { Camera, WhichCamera } from '../../clients/camera.ts';
import { keepAwake } from '../../clients/keep-awake.ts';
import { useLab } from '../../store/lab.ts';
import { classNamesOf } from '../../data/class-names.ts';
import type { LiveAnswer } from '../../study/live/live-tally.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import { Pixels } from '../data/Pixels.tsx';
import panel from '../panel.module.css';
import { Button, CheckField, FileButton, SelectField } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { Modal } from '../ui/Modal.tsx';
import styles from './Camera.module.css';
import { CapturedImages } from './CapturedImages.tsx';
import { LiveAnswers } from './LiveAnswers.tsx';
import { type MaskLook, useLiveMask } from './LiveMask.tsx';
import { SeenFrame } from './SeenFrame.tsx';
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
/** The one that looks away from the person. */
const anyCamera: WhichCamera = { facing: 'environment' };

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
  const [which, setWhich] = useState<WhichCamera>(anyCamera);
  const file = useLab((lab) => lab.liveVideo);
  const showLive = useLab((lab) => lab.showLive);
  const source = useMemo<PictureSource>(
    () => (file ? { kind: 'file', file } : { kind: 'camera', which }),
    [file, which],
  );
  const [tries, setTries] = useState(0);
  const [cameras, setCameras] = useState<readonly Camera[]>([]);
  const [isPaused, setPaused] = useState(false);
  const [isSeenShown, showSeen] = useState(false);
  const video = useRef<HTMLVideoElement>(null);

  const ours = trials.filter(({ strategy }) => strategy.modelId === view?.modelId);
  const strategy = ours.find(({ id }) => id === variantId)?.strategy ?? null;
  const recipe = strategy?.recipe ?? present;
  const isUnchanged = isIdentity(recipe);
  const isCompared = isBeside && !isUnchanged;
  const names = [strategy?.name ?? 'the recipe', ...(isCompared ? ['original'] : [])];

  const engines = useEngines(recipe, isCompared, strategy, tries);
  const isVisible = useIsVisible();
  const picture = usePicture(video, { source, isOn: isVisible, tries }, setCameras);
  const shots = useShots();
  const running = engines?.ok && picture?.ok ? engines.value : null;
  const { tally, seen, failure, capture } = useFrames(video, running, {
    show: isSeenShown,
    onKept: shots.keep,
  });
  const isRunning = running !== null && failure === null;
  useEffect(() => (isRunning && !isPaused ? keepAwake() : undefined), [isRunning, isPaused]);
  const problem: Failure | null = [engines, picture].find((each) => each?.ok === false)?.failure ?? failure;
  const classNames = classNamesOf(data?.dataset ?? NO_NAMES, view, classOffset);
  const nameOfLabel = (label: number): string => classNames[label] || `class ${label}`;
  const nameOfClass = (best: number): string => nameOfLabel(best - classOffset);
  const look: MaskLook = { ignored, listed: data?.dataset.classColours, nameOfLabel };
  const last = tally.recent.at(-1)?.answers ?? NO_ANSWERS;
  const live = useLiveMask({ answers: last, names, look });
  const facing = picture?.ok ? picture.value : null;
  const cameraId = 'id' in which ? which.id : '';
  const choose = (next: WhichCamera) => {
    setWhich(next);
    if (file) showLive(null);
  };
  const pause = () => {
    if (isPaused) void video.current?.play().catch(() => {});
    else video.current?.pause();
  };

  const chooseVideo = (
    <FileButton accept="video/*" onFiles={([video]) => video && showLive(video)}>
      Video file…
    </FileButton>
  );

  return (
    <div className={styles.columns}>
      <div className={panel.stack}>
        <div className={styles.picture} data-empty={picture?.ok === false}>
          <div className={styles.stage} data-mirrored={facing === 'user'}>
            {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- a camera says nothing */}
            <video
              ref={video}
              className={styles.video}
              muted
              playsInline
              loop
              aria-label={file ? `Video ${file.name}` : 'What the camera sees'}
              onPlay={() => setPaused(false)}
              onPause={() => setPaused(true)}
            />
            {running && live.layer}
            {picture?.ok && <SeenFrame video={video} />}
            {isSeenShown && seen && (
              <div className={styles.seen}>
                <Pixels {...seen} label="The picture as the network sees it" />
              </div>
            )}
          </div>
          <div className={styles.bar}>
            <Button disabled={!picture?.ok} onClick={pause}>
              {isPaused && picture?.ok ? 'Go on' : 'Pause'}
            </Button>
            {facing !== null && cameras.length > 1 && (
              <Button onClick={() => choose({ facing: facing === 'user' ? 'environment' : 'user' })}>
                {facing === 'user' ? 'Back camera' : 'Front camera'}
              </Button>
            )}
            <Button aria-pressed={isSeenShown} onClick={() => showSeen(!isSeenShown)}>
              Model’s view
            </Button>
          </div>
          {problem && <Problem failure={problem} />}
          {problem && (
            <div className={panel.buttons}>
              <Button onClick={() => setTries(tries + 1)}>Try again</Button>
              {picture?.ok === false && chooseVideo}
            </div>
          )}
        </div>
        {live.choice}
        <LiveAnswers
          tally={tally}
          names={names}
          isPaused={isPaused}
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
            value={file ? '' : cameraId}
            options={[
              ...(file || cameraId === ''
                ? [{ value: '', label: file ? file.name : 'the browser’s choice' }]
                : []),
              ...cameras.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={(id) => choose(id === '' ? anyCamera : { id })}
          />
        )}
        <div className={panel.buttons}>
          {picture?.ok !== false && chooseVideo}
          {file && <Button onClick={() => showLive(null)}>Back to the camera</Button>}
        </div>
        <p className={`${panel.dim} ${panel.small}`}>
          Pictures stay on this device. The camera is off while the page is hidden.
          {facing === 'user' && ' It is shown as a mirror would; models and captured images get it as it is.'}
        </p>
        <CapturedImages
          shots={shots}
          answered={last.flatMap(({ best, mask }) => (mask ? [] : [best - classOffset]))}
          nameOfLabel={nameOfLabel}
          classCount={last.some(({ mask }) => mask) ? 0 : classCountOf(view) - classOffset}
          canCapture={isRunning}
          isPaused={isPaused}
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
