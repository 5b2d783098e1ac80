import { unreachable } from '../../base/assert.ts';
import { STATIC_FORMS } from '../../study/forms/forms.ts';
import {
  CALIBRATION_LIMITS,
  DEFAULT_BINS,
  DEFAULT_PERCENTILE,
  type QuantizeOperator,
  STATIC_DEFAULTS,
  type StaticQuantizeOperator,
  type WeightOnlyQuantizeOperator,
} from '../../transforms/quantize/quantize-operator.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { mixedFrom, staticFrom } from '../../transforms/quantize/mixed-operator.ts';
import panel from '../panel.module.css';
import { CheckField, NumberField, SelectField } from '../ui/controls.tsx';
import { AutoFormNote } from './AutoFormNote.tsx';
import { Calibration } from './Calibration.tsx';
import { MixedOptions } from './MixedOptions.tsx';
import { PatternsField } from './PatternsField.tsx';

interface QuantizeOptionsProps<O extends QuantizeOperator> {
  readonly operator: O;
  readonly recipe: Recipe;
  readonly onOperator: (next: QuantizeOperator) => void;
}

type Way = 'dynamic' | 'static' | 'mixed' | 'int8-weights' | 'int4-weights' | 'float16';

/** A first version of each way to quantize. */
const WAYS: Readonly<Record<Way, { readonly label: string; readonly operator: QuantizeOperator }>> = {
  dynamic: { label: 'int8, dynamic', operator: { op: 'quantize', mode: 'dynamic' } },
  static: { label: 'int8, static', operator: { op: 'quantize', mode: 'static' } },
  mixed: {
    label: 'each layer its own (mixed)',
    operator: { op: 'quantize', mode: 'mixed', layers: [] },
  },
  'int8-weights': {
    label: 'weights only, 8 bits',
    operator: { op: 'quantize', mode: 'weight-only', bits: 8 },
  },
  'int4-weights': {
    label: 'weights only, 4 bits',
    operator: { op: 'quantize', mode: 'weight-only', bits: 4 },
  },
  float16: { label: 'float16', operator: { op: 'quantize', mode: 'float16' } },
};

function wayOf(operator: QuantizeOperator): Way {
  return operator.mode === 'weight-only' ? `int${operator.bits}-weights` : operator.mode;
}

/** Static and mixed have their form in common. */
function operatorFor(way: Way, before: QuantizeOperator): QuantizeOperator {
  if (way === 'mixed' && before.mode === 'static') return mixedFrom(before);
  if (way === 'static' && before.mode === 'mixed') return staticFrom(before);
  return WAYS[way].operator;
}

/** The controls of a quantize operator. */
export function QuantizeOptions({ operator, recipe, onOperator }: QuantizeOptionsProps<QuantizeOperator>) {
  return (
    <>
      <SelectField
        title="How"
        value={wayOf(operator)}
        options={Object.entries(WAYS).map(([value, { label }]) => ({ value: value as Way, label }))}
        onChange={(way) => onOperator(operatorFor(way, operator))}
      />
      <ModeOptions operator={operator} recipe={recipe} onOperator={onOperator} />
    </>
  );
}

function ModeOptions({ operator, recipe, onOperator }: QuantizeOptionsProps<QuantizeOperator>) {
  switch (operator.mode) {
    case 'dynamic':
      return (
        <>
          <SelectField
            title="Weights"
            value={operator.weights ?? 'u8'}
            options={[
              { value: 'u8', label: 'u8 (fast in the browser)' },
              { value: 's8', label: 's8 (slow in the browser)' },
            ]}
            onChange={(weights) => onOperator({ ...operator, weights })}
          />
          <CheckField
            title="A scale for each channel"
            checked={operator.perChannel ?? false}
            onChange={(perChannel) => onOperator({ ...operator, perChannel })}
          />
        </>
      );
    case 'static':
      return <StaticOptions operator={operator} recipe={recipe} onOperator={onOperator} />;
    case 'mixed':
      return <MixedOptions operator={operator} onOperator={onOperator} />;
    case 'weight-only':
      return <WeightOnlyOptions operator={operator} recipe={recipe} onOperator={onOperator} />;
    case 'float16':
      return (
        <>
          <PatternsField
            title="Stay in float32"
            patterns={operator.keepFloat32 ?? []}
            onChange={(keepFloat32) => onOperator({ ...operator, keepFloat32 })}
          />
          <p className={`${panel.dim} ${panel.small}`}>
            Half the size. On the CPU the runtime computes in float32 and converts, so it is seldom faster
            there.
          </p>
        </>
      );
    default:
      return unreachable(operator);
  }
}

type Form = `${'qdq' | 'qoperator'} ${'u8' | 's8'} ${'s8' | 'u8'}` | 'auto';

const FORMS: readonly { readonly value: Form; readonly label: string }[] = [
  { value: 'auto', label: 'the fastest on this device' },
  ...STATIC_FORMS.map(({ format, activations, weights, label }) => ({
    value: `${format} ${activations} ${weights}` as const,
    label,
  })),
];

function StaticOptions({ operator, recipe, onOperator }: QuantizeOptionsProps<StaticQuantizeOperator>) {
  const { format, activations, weights, perChannel, symmetric, reduceRange, calibration, samples } = {
    ...STATIC_DEFAULTS,
    ...operator,
  };
  const set = (change: Partial<StaticQuantizeOperator>) => onOperator({ ...operator, ...change });
  const setMethod = (method: typeof calibration) => {
    const { percentile: _share, bins: _bins, ...rest } = operator;
    onOperator({ ...rest, calibration: method });
  };
  const form: Form = format === 'auto' ? format : `${format} ${activations} ${weights}`;
  const isListed = FORMS.some(({ value }) => value === form);
  return (
    <>
      <SelectField
        title="Form"
        value={form}
        options={isListed ? FORMS : [...FORMS, { value: form, label: form }]}
        onChange={(chosen) => onOperator(withForm(operator, chosen))}
      />
      {form === 'auto' && <AutoFormNote operator={operator} />}
      <SelectField
        title="Ranges"
        value={calibration}
        options={[
          { value: 'minmax', label: 'min-max' },
          { value: 'percentile', label: 'percentile' },
          { value: 'entropy', label: 'entropy' },
        ]}
        onChange={setMethod}
      />
      {calibration === 'percentile' && (
        <NumberField
          title="Values kept, %"
          value={operator.percentile ?? DEFAULT_PERCENTILE}
          min={CALIBRATION_LIMITS.percentile.above + 0.1}
          max={CALIBRATION_LIMITS.percentile.most}
          step="any"
          onChange={(percentile) => set({ percentile })}
        />
      )}
      {calibration !== 'minmax' && (
        <NumberField
          title="Histogram bins"
          value={operator.bins ?? DEFAULT_BINS[calibration]}
          min={CALIBRATION_LIMITS.bins.least}
          max={CALIBRATION_LIMITS.bins.most}
          onChange={(bins) => set({ bins })}
        />
      )}
      <NumberField
        title="Images"
        value={samples}
        min={CALIBRATION_LIMITS.samples.least}
        max={CALIBRATION_LIMITS.samples.most}
        onChange={(next) => set({ samples: next })}
      />
      <CheckField
        title="A scale for each channel"
        checked={perChannel}
        onChange={(next) => set({ perChannel: next })}
      />
      <CheckField
        title="Ranges symmetric about 0"
        checked={symmetric}
        onChange={(next) => set({ symmetric: next })}
      />
      <CheckField
        title="7-bit weights"
        checked={reduceRange}
        onChange={(next) => set({ reduceRange: next })}
      />
      <PatternsField
        title="Stay as they are"
        patterns={operator.exclude ?? []}
        onChange={(exclude) => set({ exclude })}
      />
      <p className={`${panel.dim} ${panel.small}`}>{rangeNote(operator)}</p>
      <Calibration recipe={recipe} />
    </>
  );
}

function withForm(
  { format: _format, activations: _activations, weights: _weights, ...rest }: StaticQuantizeOperator,
  form: Form,
): StaticQuantizeOperator {
  if (form === 'auto') return { ...rest, format: form };
  const [format, activations, weights] = form.split(' ') as ['qdq' | 'qoperator', 'u8' | 's8', 's8' | 'u8'];
  return { ...rest, format, activations, weights };
}

/** What a way to find ranges does, in a sentence. */
function rangeNote({ calibration, bins }: StaticQuantizeOperator): string {
  switch (calibration) {
    case undefined:
    case 'minmax':
      return 'Min-max clips nothing that was seen; a single outlier costs all values precision.';
    case 'percentile':
      return 'Percentile clips the rarest values, so that the others get finer steps.';
    case 'entropy':
      return (bins ?? DEFAULT_BINS.entropy) === DEFAULT_BINS.entropy
        ? 'With 128 bins, as onnxruntime has it, entropy keeps the whole range; 2048 bins let it choose.'
        : 'Entropy clips where a histogram in 8 bits tells most of the original one.';
    default:
      return unreachable(calibration);
  }
}

function WeightOnlyOptions({ operator, onOperator }: QuantizeOptionsProps<WeightOnlyQuantizeOperator>) {
  const set = (change: Partial<WeightOnlyQuantizeOperator>) => onOperator({ ...operator, ...change });
  return (
    <>
      {operator.bits === 4 && (
        <SelectField
          title="Weights that share a scale"
          value={String(operator.blockSize ?? 32)}
          options={[16, 32, 64, 128, 256].map((size) => ({ value: String(size), label: String(size) }))}
          onChange={(size) => set({ blockSize: Number(size) })}
        />
      )}
      <CheckField
        title="Symmetric about 0"
        checked={operator.symmetric ?? true}
        onChange={(symmetric) => set({ symmetric })}
      />
      <PatternsField
        title="Stay as they are"
        patterns={operator.exclude ?? []}
        onChange={(exclude) => set({ exclude })}
      />
      <p className={`${panel.dim} ${panel.small}`}>
        The file shrinks; the arithmetic stays float32, so latency stays about the same.
      </p>
    </>
  );
}
