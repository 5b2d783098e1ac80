import { useEffect, useMemo, useState } from 'react';
import type { Preprocessing } from '../../data/preprocessing.ts';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import { dataWorker } from '../../store/workers.ts';
import { classCssColour, classesOf, maskPicture } from '../../study/segmentation/mask-picture.ts';
import { type ClassMask, unpackMask } from '../../study/segmentation/packed-mask.ts';
import type { PackedMask } from '../../study/trial.ts';
import { Pixels } from '../data/Pixels.tsx';
import { Thumbnail } from '../data/Thumbnails.tsx';
import panel from '../panel.module.css';
import { SelectField } from '../ui/controls.tsx';
import styles from './Quality.module.css';

interface NamedMask {
  readonly name: string;
  readonly mask: PackedMask | null;
}

interface MaskViewerProps {
  readonly image: number;
  readonly name: string;
  /** null: the images are not open */
  readonly data: LoadedDataset | null;
  readonly after: NamedMask;
  /** null: nothing to compare with */
  readonly before: NamedMask | null;
  readonly preprocessing: Preprocessing;
  readonly nameOfClass: (label: number | null) => string;
}

type Layer = 'before' | 'after' | 'label' | 'changed' | 'wrong' | 'none';

/** An image under two masks, left and right of a line that a thumb moves. */
export function MaskViewer({
  image,
  name,
  data,
  after,
  before,
  preprocessing,
  nameOfClass,
}: MaskViewerProps) {
  const label = useLabelMask(data, image);
  const afterMask = after.mask;
  const beforeMask = before?.mask ?? null;
  const found = useMemo(() => afterMask && unpackMask(afterMask), [afterMask]);
  const old = useMemo(() => beforeMask && unpackMask(beforeMask), [beforeMask]);
  const ignored = preprocessing.ignoredLabel ?? null;
  const [left, setLeft] = useState<Layer>(before === null ? 'label' : 'before');
  const [right, setRight] = useState<Layer>('after');
  const [split, setSplit] = useState(50);
  const [opacity, setOpacity] = useState(60);
  const classes = useMemo(
    () => [...new Set([found, old, label].flatMap((mask) => (mask ? classesOf(mask, ignored) : [])))],
    [found, old, label, ignored],
  );
  const listed = data?.dataset.classColours;
  const size = found ?? old ?? label;
  if (size === null) {
    return (
      <p className={panel.dim}>
        The answers for {name} were not kept: there were too many. The figures count them all the same.
      </p>
    );
  }
  const options: readonly { value: Layer; label: string }[] = [
    ...(old && before ? [{ value: 'before', label: before.name } as const] : []),
    ...(found ? [{ value: 'after', label: `${after.name} (this one)` } as const] : []),
    ...(label ? [{ value: 'label', label: 'label' } as const] : []),
    ...(found && old ? [{ value: 'changed', label: 'what changed' } as const] : []),
    ...(found && label ? [{ value: 'wrong', label: 'what is wrong in this one' } as const] : []),
    { value: 'none', label: 'the image alone' },
  ];
  const offered = (layer: Layer): Layer => (options.some(({ value }) => value === layer) ? layer : 'none');
  const pictureOf = (layer: Layer): { mask: ClassMask; only: ClassMask | null } | null => {
    switch (layer) {
      case 'before':
        return old && { mask: old, only: null };
      case 'after':
        return found && { mask: found, only: null };
      case 'label':
        return label && { mask: label, only: null };
      case 'changed':
        return found && { mask: found, only: old };
      case 'wrong':
        return found && { mask: found, only: label };
      case 'none':
        return null;
    }
  };
  // Without a mask the answer is what the model saw, which a crop is a part of.
  const hasImage = data !== null && (label !== null || preprocessing.fit.kind === 'stretch');
  return (
    <div className={styles.viewer}>
      <div
        className={styles.stage}
        style={{ aspectRatio: `${size.width} / ${size.height}` }}
        role="img"
        aria-label={`${name} with masks`}
      >
        {hasImage && <Thumbnail data={data} index={image} />}
        <Overlay
          picture={pictureOf(offered(left))}
          ignored={ignored}
          listed={listed}
          clip={`inset(0 ${100 - split}% 0 0)`}
          opacity={opacity}
        />
        <Overlay
          picture={pictureOf(offered(right))}
          ignored={ignored}
          listed={listed}
          clip={`inset(0 0 0 ${split}%)`}
          opacity={opacity}
        />
        <i className={styles.split} style={{ left: `${split}%` }} />
      </div>
      <div className={panel.stack}>
        <strong className={panel.wrapAnywhere}>{name}</strong>
        <SelectField title="Left" value={offered(left)} options={options} onChange={setLeft} />
        <SelectField title="Right" value={offered(right)} options={options} onChange={setRight} />
        <Range title="Line between them" value={split} onChange={setSplit} />
        <Range title="Strength of the colours" value={opacity} onChange={setOpacity} />
        <ul className={styles.swatches} aria-label="Classes in this image">
          {classes.map((each) => (
            <li key={each}>
              <i style={{ background: classCssColour(each, listed) }} />
              {nameOfClass(each)}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Range({
  title,
  value,
  onChange,
}: {
  readonly title: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  return (
    <label className={styles.range}>
      <span>{title}</span>
      <input
        type="range"
        min={0}
        max={100}
        value={value}
        onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}

function Overlay({
  picture,
  ignored,
  listed,
  clip,
  opacity,
}: {
  readonly picture: { readonly mask: ClassMask; readonly only: ClassMask | null } | null;
  readonly ignored: number | null;
  readonly listed: readonly number[] | undefined;
  readonly clip: string;
  readonly opacity: number;
}) {
  const mask = picture?.mask ?? null;
  const only = picture?.only ?? null;
  const drawn = useMemo(
    () =>
      mask &&
      maskPicture(mask, {
        ignored,
        only: only?.classes.length === mask.classes.length ? only : null,
        listed,
      }),
    [mask, only, ignored, listed],
  );
  if (drawn === null) return null;
  return (
    <div className={styles.overlay} style={{ clipPath: clip, opacity: opacity / 100 }}>
      <Pixels {...drawn} />
    </div>
  );
}

/** The mask of an image, read when it is looked at. */
function useLabelMask(data: LoadedDataset | null, image: number): ClassMask | null {
  const [mask, setMask] = useState<ClassMask | null>(null);
  useEffect(() => {
    if (!data?.dataset.items[image]?.mask) return;
    let isCurrent = true;
    void dataWorker()
      .mask(data, image)
      .then((result) => isCurrent && setMask(result.ok ? result.value : null));
    return () => {
      isCurrent = false;
    };
  }, [data, image]);
  return mask;
}
