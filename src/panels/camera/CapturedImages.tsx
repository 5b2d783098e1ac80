import { memo, useEffect, useRef, useState } from 'react';
import type { Failure } from '../../base/result.ts';
import { useLab } from '../../store/lab.ts';
import { openShots } from '../../store/live-work.ts';
import { countLabels, filesOfShots, type Shot } from '../../study/live/captured-set.ts';
import panel from '../panel.module.css';
import { Button, Chip, TextInput } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { saveFile } from '../ui/save-file.ts';
import { TrashIcon } from '../ui/icons.tsx';
import { Section } from '../ui/Section.tsx';
import { zipFiles } from '../ui/zip-files.ts';
import styles from './Camera.module.css';
import type { Wanted } from './use-live.ts';
import type { Shots } from '../../store/use-shots.ts';

interface CapturedImagesProps {
  readonly shots: Shots;
  /** Labels that the variants give the picture now; they are offered first. */
  readonly answered: readonly number[];
  readonly nameOfLabel: (label: number) => string;
  readonly classCount: number;
  readonly canCapture: boolean;
  /** The picture stands still. */
  readonly isPaused: boolean;
  readonly capture: (wanted: Wanted) => void;
  readonly onOpened: () => void;
}

const burstFrames = 10;
/** More classes are searched instead of listed. */
const listedClasses = 12;

/** Frames kept as images: of a class, or only to calibrate with; then an ordinary dataset. */
export function CapturedImages({
  shots,
  answered,
  nameOfLabel,
  classCount,
  canCapture,
  isPaused,
  capture,
  onOpened,
}: CapturedImagesProps) {
  const tell = useLab((lab) => lab.tell);
  const [label, setLabel] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const { all, deleted, remove, undo } = shots;
  const nameOf = (of: number | null): string => (of === null ? 'no label' : nameOfLabel(of));
  const use = async () => {
    const opened = await openShots(all);
    if (!opened.ok) return setFailure(opened.failure);
    tell(`${all.length} captured images are open`, 'They are kept as the images of this lab.');
    onOpened();
  };
  const classNames = Array.from({ length: classCount }, (_, of) => nameOfLabel(of));
  const exportZip = async () => {
    const { images, labelsCsv } = filesOfShots(all, classNames);
    const labels = labelsCsv === null ? [] : [{ name: 'labels.csv', blob: new Blob([labelsCsv]) }];
    saveFile('camera.zip', await zipFiles([...images, ...labels]));
  };
  return (
    <Section title="Capture images">
      <ClassChooser
        label={label}
        onChoose={setLabel}
        answered={answered}
        used={all.toReversed().flatMap((shot) => shot.label ?? [])}
        nameOf={nameOf}
        classCount={classCount}
      />
      <div className={panel.buttons}>
        <Button look="primary" big disabled={!canCapture} onClick={() => capture({ count: 1, label })}>
          {label === null ? 'Capture without label' : `Capture as ${nameOf(label)}`}
        </Button>
        <Button big disabled={!canCapture || isPaused} onClick={() => capture({ count: burstFrames, label })}>
          Burst of {burstFrames}
        </Button>
      </div>
      {all.length > 0 && (
        <>
          <p className={panel.small}>
            {countLabels(all)
              .map(([of, count]) => `${nameOf(of)}: ${count}`)
              .join(' · ')}
          </p>
          <ul className={styles.shots} aria-label="Captured images">
            {all.toReversed().map((shot, at) => (
              <ShotRow
                key={shot.id}
                shot={shot}
                number={all.length - at}
                name={nameOf(shot.label)}
                onDelete={remove}
              />
            ))}
          </ul>
        </>
      )}
      {(all.length > 0 || deleted.length > 0) && (
        <div className={panel.buttons}>
          {deleted.length > 0 && (
            <Button onClick={undo}>
              Undo deleting {deleted.length === 1 ? 'an image' : `${deleted.length} images`}
            </Button>
          )}
          {all.length > 0 && (
            <>
              <Button onClick={() => void use()}>Use these images</Button>
              <Button onClick={() => void exportZip()}>camera.zip</Button>
              <Button look="ghost" onClick={() => remove(all)}>
                Delete all
              </Button>
            </>
          )}
        </div>
      )}
      {failure && <Problem failure={failure} />}
    </Section>
  );
}

interface ClassChooserProps {
  readonly label: number | null;
  readonly onChoose: (label: number | null) => void;
  readonly answered: readonly number[];
  readonly used: readonly number[];
  readonly nameOf: (label: number | null) => string;
  readonly classCount: number;
}

/** What the next images are of: few classes are all listed, of many those at hand and those searched for. */
function ClassChooser({ label, onChoose, answered, used, nameOf, classCount }: ClassChooserProps) {
  const [search, setSearch] = useState('');
  const every = Array.from({ length: classCount }, (_, at) => at);
  const isLong = classCount > listedClasses;
  const wanted = search.trim().toLowerCase();
  const found = wanted === '' ? [] : every.filter((at) => nameOf(at).toLowerCase().includes(wanted));
  const atHand = [...(label === null ? [] : [label]), ...used, ...answered].filter(
    (at) => at >= 0 && at < classCount,
  );
  const listed = isLong ? [...new Set(wanted === '' ? atHand : found)].slice(0, listedClasses) : every;
  return (
    <>
      {isLong && (
        <TextInput
          type="search"
          placeholder={`Search ${classCount} classes`}
          aria-label="Search classes"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <div className={styles.classes} role="group" aria-label="What the images show">
        {[null, ...listed].map((at) => (
          <Chip
            key={String(at)}
            aria-pressed={at === label}
            onClick={() => {
              onChoose(at);
              setSearch('');
            }}
          >
            {at === null ? 'no label (to calibrate)' : nameOf(at)}
          </Chip>
        ))}
      </div>
      {wanted !== '' && found.length === 0 && (
        <p className={`${panel.dim} ${panel.small}`}>No class is called that.</p>
      )}
      {found.length > listedClasses && (
        <p className={`${panel.dim} ${panel.small}`}>and {found.length - listedClasses} more</p>
      )}
    </>
  );
}

interface ShotRowProps {
  readonly shot: Shot;
  readonly number: number;
  readonly name: string;
  readonly onDelete: (shots: readonly Shot[]) => void;
}

/** There may be hundreds, while answers come many times a second. */
const ShotRow = memo(function ShotRow({ shot, number, name, onDelete }: ShotRowProps) {
  return (
    <li>
      <button
        type="button"
        aria-label={`Delete image ${number}, ${name}`}
        title="Delete"
        onClick={() => onDelete([shot])}
      >
        <Thumb shot={shot} />
        <span>
          {name}
          <TrashIcon />
        </span>
      </button>
    </li>
  );
});

function Thumb({ shot }: { readonly shot: Shot }) {
  const image = useRef<HTMLImageElement>(null);
  useEffect(() => {
    const url = URL.createObjectURL(shot.png);
    if (image.current) image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [shot]);
  return <img ref={image} alt="" decoding="async" />;
}
