import { useId } from 'react';
import styles from './Slider.module.css';
import { useDraft } from './use-draft.ts';

interface SliderProps {
  readonly title: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly format: (value: number) => string;
  /** Called at every movement. */
  readonly onMove?: (value: number) => void;
  /** Called when the thumb comes to rest: a drag is one undo step. */
  readonly onChange: (value: number) => void;
}

export function Slider({ title, value, min, max, step, format, onMove, onChange }: SliderProps) {
  const id = useId();
  const [shown, setShown] = useDraft(value);
  const settle = () => shown !== value && onChange(shown);
  return (
    <div className={styles.slider}>
      <label htmlFor={id}>{title}</label>
      <output htmlFor={id}>{format(shown)}</output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={shown}
        aria-valuetext={format(shown)}
        onChange={(event) => {
          setShown(event.currentTarget.valueAsNumber);
          onMove?.(event.currentTarget.valueAsNumber);
        }}
        onPointerUp={settle}
        onKeyUp={settle}
        onBlur={settle}
      />
    </div>
  );
}
