import { useMemo, useState } from 'react';
import type { LiveAnswer } from '../../study/live/live-tally.ts';
import { classCssColour, classShares, maskPicture } from '../../study/segmentation/mask-picture.ts';
import type { ClassMask } from '../../study/segmentation/packed-mask.ts';
import { Pixels } from '../data/Pixels.tsx';
import panel from '../panel.module.css';
import { SelectField } from '../ui/controls.tsx';
import styles from './Camera.module.css';

/** How classes of pixels are shown. */
export interface MaskLook {
  /** A class that means none; null: there is none. */
  readonly ignored: number | null;
  /** Colours that the open images list, by label. */
  readonly listed: readonly number[] | undefined;
  readonly nameOfLabel: (label: number) => string;
}

interface LiveMaskProps {
  /** To the last picture, of the variants in order; empty before the first. */
  readonly answers: readonly LiveAnswer[];
  readonly names: readonly string[];
  readonly look: MaskLook;
}

type Shown = '0' | '1' | 'differing' | 'none';

/** Which variant's classes lie over the picture, and the layer itself; nothing of models that name no classes of pixels. */
export function useLiveMask({ answers, names, look: { ignored, listed } }: LiveMaskProps) {
  const [chosen, choose] = useState<Shown>('0');
  const [first, second] = answers.map(({ mask }) => mask ?? null);
  const shown = second || chosen === '0' || chosen === 'none' ? chosen : '0';
  const mask = shown === 'none' ? null : ((shown === '1' ? second : first) ?? null);
  const only = (shown === 'differing' && second) || null;
  const picture = useMemo(
    () => mask && maskPicture(mask, { ignored, only, listed }),
    [mask, only, ignored, listed],
  );
  return {
    layer: picture && (
      <div className={styles.mask}>
        <Pixels {...picture} />
      </div>
    ),
    choice: first && (
      <SelectField<Shown>
        title="Over the picture"
        value={shown}
        options={[
          { value: '0', label: `classes of ${names[0] ?? 'the recipe'}` },
          ...(second
            ? ([
                { value: '1', label: `classes of ${names[1] ?? 'the original'}` },
                { value: 'differing', label: 'where they differ' },
              ] as const)
            : []),
          { value: 'none', label: 'nothing' },
        ]}
        onChange={choose}
      />
    ),
  };
}

/** Classes told of a picture; more are too small to matter at a glance. */
const LISTED_CLASSES = 6;

/** The largest classes of a picture, with their share of its pixels. */
export function LiveClasses({ mask, look }: { readonly mask: ClassMask; readonly look: MaskLook }) {
  const classes = classShares(mask, look.ignored).slice(0, LISTED_CLASSES);
  if (classes.length === 0) return <p className={styles.label}>no answer</p>;
  return (
    <ul className={styles.shares}>
      {classes.map(({ label, share }) => (
        <li key={label}>
          <i style={{ background: classCssColour(label, look.listed) }} />
          <span>{look.nameOfLabel(label)}</span>
          <span className={panel.dim}>{share < 0.005 ? '< 1' : Math.round(100 * share)} %</span>
        </li>
      ))}
    </ul>
  );
}
