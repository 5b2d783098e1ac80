import { Chip } from '../ui/controls.tsx';
import { Slider } from '../ui/Slider.tsx';
import styles from './PruneOptions.module.css';

interface RatioFieldProps {
  readonly title: string;
  readonly ratio: number;
  readonly onChange: (ratio: number) => void;
}

/** The shares that studies compare. */
export const PRESET_RATIOS = [0.25, 0.5, 0.75] as const;

/** `50 %`. */
export function ratioText(ratio: number): string {
  return `${Number((100 * ratio).toFixed(1))} %`;
}

/** A share to take away. */
export function RatioSlider({ title, ratio, onChange }: RatioFieldProps) {
  return (
    <Slider
      title={title}
      min={0}
      max={0.99}
      step={0.01}
      value={ratio}
      format={ratioText}
      onChange={onChange}
    />
  );
}

/** The same, the usual shares also by a press. */
export function RatioField({ title, ratio, onChange }: RatioFieldProps) {
  return (
    <div>
      <RatioSlider title={title} ratio={ratio} onChange={onChange} />
      <Presets
        title={title}
        presets={PRESET_RATIOS.map((preset) => ({
          text: ratioText(preset),
          isChosen: preset === ratio,
          onChoose: () => onChange(preset),
        }))}
      />
    </div>
  );
}

interface PresetsProps {
  readonly title: string;
  readonly presets: readonly {
    readonly text: string;
    readonly isChosen: boolean;
    readonly onChoose: () => void;
  }[];
}

/** A few usual values, each a press away. */
export function Presets({ title, presets }: PresetsProps) {
  return (
    <div className={styles.presets} role="group" aria-label={`${title}: usual values`}>
      {presets.map(({ text, isChosen, onChoose }) => (
        <Chip key={text} aria-pressed={isChosen} onClick={onChoose}>
          {text}
        </Chip>
      ))}
    </div>
  );
}
