import {
  DEFAULT_PRECISION,
  type MixedQuantizeOperator,
  type Precision,
  type PrecisionRule,
} from '../../transforms/quantize/mixed-operator.ts';
import panel from '../panel.module.css';
import { Button, IconButton, SelectField } from '../ui/controls.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import { PatternsField } from './PatternsField.tsx';
import { PRECISION_OPTIONS } from './precision-options.ts';
import styles from './MixedOptions.module.css';

interface MixedOptionsProps {
  readonly operator: MixedQuantizeOperator;
  readonly onOperator: (next: MixedQuantizeOperator) => void;
}

/** Which nodes compute how: a default, and rules of which the last that means a node counts. */
export function MixedOptions({ operator, onOperator }: MixedOptionsProps) {
  const { layers } = operator;
  const setRules = (next: readonly PrecisionRule[]) => onOperator({ ...operator, layers: next });
  const setRule = (at: number, change: Partial<PrecisionRule>) =>
    setRules(layers.map((rule, index) => (index === at ? { ...rule, ...change } : rule)));
  return (
    <>
      <SelectField
        title="Layers that no rule means"
        value={operator.default ?? DEFAULT_PRECISION}
        options={PRECISION_OPTIONS}
        onChange={(usual) => onOperator({ ...operator, default: usual })}
      />
      {layers.map((rule, at) => (
        <fieldset key={at} className={styles.rule}>
          <legend>Rule {at + 1}</legend>
          <SelectField<Precision>
            title="Precision"
            value={rule.precision}
            options={PRECISION_OPTIONS}
            onChange={(precision) => setRule(at, { precision })}
          />
          <PatternsField title="Layers" patterns={rule.nodes} onChange={(nodes) => setRule(at, { nodes })} />
          <div className={styles.remove}>
            <IconButton
              label={`Remove rule ${at + 1}`}
              onClick={() => setRules(layers.filter((_, index) => index !== at))}
            >
              <CloseIcon />
            </IconButton>
          </div>
        </fieldset>
      ))}
      <Button onClick={() => setRules([...layers, { nodes: [], precision: 'float32' }])}>Add a rule</Button>
      <p className={`${panel.dim} ${panel.small}`}>
        Of several rules that mean a layer the last counts. Layers can be set by tapping them on the graph,
        too. Those in int8 have the form and ranges that “int8, calibrated on images” was set to.
      </p>
    </>
  );
}
