import type { PrepareKind, PrepareOperator } from '../../transforms/prepare/prepare-operator.ts';
import panel from '../panel.module.css';
import { NumberField, SelectField } from '../ui/controls.tsx';

interface PrepareOptionsProps {
  readonly operator: PrepareOperator;
  readonly onOperator: (next: PrepareOperator) => void;
}

const NOTES: Readonly<Record<PrepareKind, string>> = {
  'fold-batch-norm': 'Normalizations become part of the weights before them: fewer nodes, the same answers.',
  'fold-constants': 'What depends on no input is computed once and stored.',
  equalize: 'Evens out the channels of neighbouring layers, so that one scale for a whole tensor loses less.',
  'convert-opset': 'Rewrites the model for a newer version of the operators.',
};

const TITLES: Readonly<Record<PrepareKind, string>> = {
  'fold-batch-norm': 'fold batch normalization',
  'fold-constants': 'fold constants',
  equalize: 'equalize layers',
  'convert-opset': 'convert the opset',
};

const usualVersion = 17;

/** The controls of a preparation. */
export function PrepareOptions({ operator, onOperator }: PrepareOptionsProps) {
  const { kind, version = usualVersion } = operator;
  const make = (next: PrepareKind): PrepareOperator => ({
    op: 'prepare',
    kind: next,
    ...(next === 'convert-opset' && { version }),
  });
  return (
    <>
      <SelectField
        title="What"
        value={kind}
        options={Object.entries(TITLES).map(([value, label]) => ({ value: value as PrepareKind, label }))}
        onChange={(next) => onOperator(make(next))}
      />
      {kind === 'convert-opset' && (
        <NumberField
          title="Opset"
          value={version}
          min={7}
          max={21}
          onChange={(next) => onOperator({ ...operator, version: next })}
        />
      )}
      <p className={`${panel.dim} ${panel.small}`}>{NOTES[kind]}</p>
    </>
  );
}
