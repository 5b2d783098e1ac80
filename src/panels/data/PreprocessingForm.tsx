import type { Preprocessing } from '../../data/preprocessing.ts';
import { openSizes, USUAL_LENGTH } from '../../onnx/counted-size.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import controls from '../ui/controls.module.css';
import { CheckField, NumberField, SelectField, TextInput } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './DataPanel.module.css';
import { NormalisationTrials } from './NormalisationTrials.tsx';
import { NORMALISATIONS, normalisationOf } from './normalisations.ts';

/** How an image becomes the model's input: the guess with its reasons, every part editable. */
export function PreprocessingForm() {
  const preprocessing = useLab((lab) => lab.preprocessing);
  const problem = useLab((lab) => lab.preprocessingProblem);
  const reasons = useLab((lab) => lab.preprocessingReasons);
  const isEdited = useLab((lab) => lab.preprocessingEdited);
  const guessAgain = useLab((lab) => lab.guessPreprocessingAgain);
  if (problem) {
    return (
      <Section title="From image to input">
        <Problem failure={problem} />
      </Section>
    );
  }
  if (!preprocessing) return null;
  if (preprocessing.random) return <RandomInputs value={preprocessing} reasons={reasons} />;
  return (
    <Section
      title="From image to input"
      tools={
        isEdited && (
          <button type="button" className={panel.link} onClick={() => void guessAgain()}>
            Guess again
          </button>
        )
      }
    >
      {!isEdited && reasons.length > 0 && (
        <ul className={`${styles.list} ${panel.dim} ${panel.small}`}>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      <NormalisationTrials />
      <SizeFields value={preprocessing} />
      <ColourFields value={preprocessing} />
      <NormalisationFields value={preprocessing} />
      <NumberField
        title="Class number of the first label"
        value={preprocessing.classOffset}
        step={1}
        onChange={(classOffset) => useLab.getState().editPreprocessing({ classOffset })}
      />
      <IgnoredClass value={preprocessing} />
    </Section>
  );
}

/** Where no image feeds the model: why, and the sizes that it leaves open. */
function RandomInputs({ value, reasons }: FieldsProps & { readonly reasons: readonly string[] }) {
  const view = useLab((lab) => lab.model?.view);
  const edit = useLab((lab) => lab.editPreprocessing);
  const open = view ? openSizes(view) : [];
  return (
    <Section title="Random inputs">
      {reasons.map((reason) => (
        <p key={reason}>{reason}.</p>
      ))}
      {open.map((side) => (
        <NumberField
          key={side}
          title={openTitles[side]}
          value={value[side] ?? USUAL_LENGTH}
          min={1}
          max={8192}
          step={1}
          onChange={(size) => edit({ [side]: size })}
        />
      ))}
    </Section>
  );
}

const openTitles = {
  width: 'Width of images',
  height: 'Height of images',
  length: 'Length of what else is open',
} as const;

interface FieldsProps {
  readonly value: Preprocessing;
}

/** Which number in masks means no class. */
function IgnoredClass({ value }: FieldsProps) {
  const edit = useLab((lab) => lab.editPreprocessing);
  const masks = useLab((lab) => lab.data?.dataset.masks);
  const names = useLab((lab) => lab.data?.dataset.classNames);
  if (!masks) return null;
  const numbers = [
    ...new Set([...masks.classes, ...(value.ignoredLabel === undefined ? [] : [value.ignoredLabel])]),
  ];
  return (
    <>
      <SelectField
        title="Class in masks that means none"
        value={value.ignoredLabel === undefined ? '' : String(value.ignoredLabel)}
        options={[
          { value: '', label: 'all classes count' },
          ...numbers
            .sort((a, b) => a - b)
            .map((each) => ({
              value: String(each),
              label: names?.[each] ? `${each} ${names[each]}` : `class ${each}`,
            })),
        ]}
        onChange={(chosen) => edit({ ignoredLabel: chosen === '' ? undefined : Number(chosen) })}
      />
      <p className={`${panel.dim} ${panel.small}`}>
        Such pixels are not asked about, nor is that class taken as an answer. Numbers that the model has no
        class for are never asked about.
      </p>
    </>
  );
}

function SizeFields({ value }: FieldsProps) {
  const edit = useLab((lab) => lab.editPreprocessing);
  const limits = { min: 1, max: 8192, step: 1 };
  return (
    <>
      <NumberField title="Width" value={value.width} {...limits} onChange={(width) => edit({ width })} />
      <NumberField title="Height" value={value.height} {...limits} onChange={(height) => edit({ height })} />
      <SelectField
        title="Fit"
        value={value.fit.kind}
        options={[
          { value: 'stretch', label: 'stretch to the size' },
          { value: 'crop', label: 'shrink, then crop the centre' },
        ]}
        onChange={(kind) =>
          edit({
            fit:
              kind === 'stretch'
                ? { kind }
                : { kind, shorterSide: Math.round(Math.min(value.width, value.height) / 0.875) },
          })
        }
      />
      {value.fit.kind === 'crop' && (
        <NumberField
          title="Shorter side before the crop"
          value={value.fit.shorterSide}
          {...limits}
          onChange={(shorterSide) => edit({ fit: { kind: 'crop', shorterSide } })}
        />
      )}
      <SelectField
        title="Layout"
        value={value.layout}
        options={[
          { value: 'NCHW', label: 'channels first (NCHW)' },
          { value: 'NHWC', label: 'channels last (NHWC)' },
        ]}
        onChange={(layout) => edit({ layout })}
      />
    </>
  );
}

function ColourFields({ value }: FieldsProps) {
  const edit = useLab((lab) => lab.editPreprocessing);
  return (
    <>
      <SelectField
        title="Colour"
        value={value.channels === 1 ? 'grey' : value.channelOrder}
        options={[
          { value: 'grey', label: 'grey' },
          { value: 'RGB', label: 'RGB' },
          { value: 'BGR', label: 'BGR' },
        ]}
        onChange={(order) =>
          edit(order === 'grey' ? toChannels(value, 1) : { ...toChannels(value, 3), channelOrder: order })
        }
      />
      <CheckField
        title="Invert: dark becomes bright"
        checked={value.invert}
        onChange={(invert) => edit({ invert })}
      />
    </>
  );
}

/** Means and deviations belong to channels. */
function toChannels(value: Preprocessing, channels: 1 | 3): Partial<Preprocessing> {
  const spread = (values: readonly number[]) =>
    Array.from({ length: channels }, (_, channel) => values[channel] ?? values[0] ?? 0);
  return { channels, mean: spread(value.mean), std: spread(value.std) };
}

function NormalisationFields({ value }: FieldsProps) {
  const edit = useLab((lab) => lab.editPreprocessing);
  const known = normalisationOf(value);
  return (
    <>
      <SelectField
        title="Values"
        value={known}
        options={[
          ...NORMALISATIONS.map(({ id, label }) => ({ value: id, label })),
          { value: 'own', label: 'other', disabled: true },
        ]}
        onChange={(id) => {
          const chosen = NORMALISATIONS.find((entry) => entry.id === id);
          if (chosen) edit(chosen.make(value.channels));
        }}
      />
      <details>
        <summary className={panel.summaryLine}>Numbers: (pixel × scale − mean) ÷ deviation</summary>
        <NumberField title="Scale" value={value.scale} step="any" onChange={(scale) => edit({ scale })} />
        <NumbersField title="Mean" value={value.mean} onChange={(mean) => edit({ mean })} />
        <NumbersField
          title="Deviation"
          value={value.std}
          isAllowed={(number) => number !== 0}
          onChange={(std) => edit({ std })}
        />
        <SelectField
          title="Type"
          value={value.dataType}
          options={(['float32', 'float16', 'uint8', 'int8'] as const).map((type) => ({
            value: type,
            label: type,
          }))}
          onChange={(dataType) => edit({ dataType })}
        />
      </details>
    </>
  );
}

/** Numbers separated by commas, as many as there are; taken over when the field is left. */
function NumbersField({
  title,
  value,
  onChange,
  isAllowed = () => true,
}: {
  readonly title: string;
  readonly value: readonly number[];
  readonly onChange: (value: readonly number[]) => void;
  readonly isAllowed?: (number: number) => boolean;
}) {
  const text = value.join(', ');
  return (
    <label className={controls.field}>
      <span>{title}</span>
      <TextInput
        key={text}
        defaultValue={text}
        inputMode="decimal"
        onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
        onBlur={(event) => {
          const field = event.currentTarget;
          const numbers = field.value
            .split(/[,;\s]+/)
            .filter(Boolean)
            .map(Number);
          const isUsable =
            numbers.length === value.length && numbers.every((n) => Number.isFinite(n) && isAllowed(n));
          if (!isUsable) field.value = text;
          else if (numbers.join(', ') !== text) onChange(numbers);
        }}
      />
    </label>
  );
}
