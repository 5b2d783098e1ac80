import { unreachable } from '../../base/assert.ts';
import {
  type LayerwisePruneOperator,
  rulesOf,
  withProtected,
  withRules,
} from '../../transforms/prune/layer-choice.ts';
import { useLab } from '../../store/lab.ts';
import {
  CHANNEL_IMPORTANCES,
  type ChannelImportance,
  looksAtImages,
  PRUNE_DEFAULTS,
  type PruneOperator,
  RECALIBRATIONS,
  type Recalibration,
  type StructuredPruneOperator,
  type UnstructuredPruneOperator,
} from '../../transforms/prune/prune-operator.ts';
import { keptOfPattern, LARGEST_GROUP, type SparsityRule } from '../../transforms/prune/sparsity-rules.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { BlockOptions } from './BlockOptions.tsx';
import { Button, CheckField, IconButton, NumberField, SelectField } from '../ui/controls.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import mixed from './MixedOptions.module.css';
import { PatternsField } from './PatternsField.tsx';
import { SeenOnImages } from './SeenOnImages.tsx';
import { Presets, RatioField } from './RatioField.tsx';

interface PruneOptionsProps<O extends PruneOperator> {
  readonly operator: O;
  readonly onOperator: (next: PruneOperator) => void;
}

/** What an operator is a part of, and for which graph. */
interface OnModel {
  readonly recipe: Recipe;
  readonly view: GraphView;
}

/** What weights and channels are pruned by alike. */
type Common = Pick<StructuredPruneOperator, 'ratio' | 'protect'>;

/** A first version of each kind, with what it has in common with the one before. */
const KINDS: Readonly<
  Record<PruneOperator['kind'], { readonly label: string; readonly make: (from: Common) => PruneOperator }>
> = {
  unstructured: {
    label: 'single weights',
    make: (common) => ({ op: 'prune', kind: 'unstructured', ...common }),
  },
  structured: {
    label: 'whole channels',
    make: (common) => ({ op: 'prune', kind: 'structured', ...common }),
  },
  block: { label: 'whole blocks', make: () => ({ op: 'prune', kind: 'block', blocks: 1 }) },
};

const usualRatio = 0.5;

/** The controls of a prune operator. */
export function PruneOptions({ operator, onOperator, ...on }: PruneOptionsProps<PruneOperator> & OnModel) {
  const common = commonOf(operator);
  return (
    <>
      <SelectField
        title="Take away"
        value={operator.kind}
        options={Object.entries(KINDS).map(([kind, { label }]) => ({
          value: kind as PruneOperator['kind'],
          label,
        }))}
        onChange={(kind) => onOperator(KINDS[kind].make(common))}
      />
      <KindOptions operator={operator} onOperator={onOperator} {...on} />
    </>
  );
}

function commonOf(operator: PruneOperator): Common {
  if (operator.kind === 'block') return { ratio: usualRatio };
  const { ratio = usualRatio, protect } = operator;
  return { ratio, ...(protect !== undefined && { protect }) };
}

function KindOptions({ operator, recipe, view, onOperator }: PruneOptionsProps<PruneOperator> & OnModel) {
  switch (operator.kind) {
    case 'unstructured':
      return <WeightOptions operator={operator} onOperator={onOperator} />;
    case 'structured':
      return <ChannelOptions operator={operator} recipe={recipe} onOperator={onOperator} />;
    case 'block':
      return <BlockOptions operator={operator} recipe={recipe} view={view} onOperator={onOperator} />;
    default:
      return unreachable(operator);
  }
}

const COMMON_PATTERNS = ['2:4', '1:4', '4:8'] as const;

function WeightOptions({ operator, onOperator }: PruneOptionsProps<UnstructuredPruneOperator>) {
  const { pattern, scope, importance = PRUNE_DEFAULTS.importance } = operator;
  const set = (change: Partial<UnstructuredPruneOperator>) => onOperator({ ...operator, ...change });
  return (
    <>
      <SelectField
        title="Which"
        value={pattern === undefined ? (scope ?? PRUNE_DEFAULTS.scope) : 'pattern'}
        options={[
          { value: 'layer', label: 'a share of each layer' },
          { value: 'global', label: 'a share of the whole model' },
          { value: 'pattern', label: 'N:M, in each short row' },
        ]}
        onChange={(which) => onOperator(withWay(operator, which))}
      />
      {pattern === undefined ? (
        <RatioField
          title="Weights that become zero"
          ratio={operator.ratio ?? 0}
          onChange={(ratio) => set({ ratio })}
        />
      ) : (
        <PatternField pattern={pattern} onChange={(next) => set({ pattern: next })} />
      )}
      <SelectField
        title="Take"
        value={importance}
        options={[
          { value: 'l1', label: 'the smallest (L1)' },
          { value: 'random', label: 'any, at random' },
        ]}
        onChange={(next) => set({ importance: next })}
      />
      {importance === 'random' && <SeedField seed={operator.seed} onChange={(seed) => set({ seed })} />}
      <LayerFields operator={operator} onOperator={onOperator} />
      <p className={`${panel.dim} ${panel.small}`}>
        Zeros let files be packed smaller (gzipped, or in a sparse encoding). The runtime still multiplies by
        them: expect the same latency, and measure it.
      </p>
    </>
  );
}

function withWay(
  { ratio, pattern, scope: _scope, ...rest }: UnstructuredPruneOperator,
  way: 'layer' | 'global' | 'pattern',
): UnstructuredPruneOperator {
  if (way === 'pattern') return { ...rest, pattern: pattern ?? COMMON_PATTERNS[0] };
  return { ...rest, ratio: ratio ?? usualRatio, ...(way === 'global' && { scope: way }) };
}

function PatternField({
  pattern,
  onChange,
}: {
  readonly pattern: string;
  readonly onChange: (pattern: string) => void;
}) {
  const { kept, of } = keptOfPattern(pattern);
  return (
    <>
      <Presets
        title="N:M"
        presets={COMMON_PATTERNS.map((text) => ({
          text,
          isChosen: text === pattern,
          onChoose: () => onChange(text),
        }))}
      />
      <NumberField
        title="Stay (N)"
        value={kept}
        min={1}
        max={of - 1}
        onChange={(next) => onChange(`${next}:${of}`)}
      />
      <NumberField
        title="of input channels (M)"
        value={of}
        min={kept + 1}
        max={LARGEST_GROUP}
        onChange={(next) => onChange(`${kept}:${next}`)}
      />
    </>
  );
}

const IMPORTANCES: Readonly<Record<ChannelImportance, string>> = {
  l1: 'magnitudes (L1)',
  l2: 'squares (L2)',
  'batch-norm': 'batch-norm scales',
  'geometric-median': 'distance to the median',
  activation: 'activations on images',
  wanda: 'Wanda, on images',
  random: 'chance',
};
const CORRECTIONS: Readonly<Record<Recalibration, string>> = {
  'batch-norm': 'Take batch-norm statistics anew, on images',
  bias: 'Correct biases, on images',
};
const MULTIPLES = [1, 4, 8, 16] as const;

function ChannelOptions({
  operator,
  recipe,
  onOperator,
}: PruneOptionsProps<StructuredPruneOperator> & Pick<OnModel, 'recipe'>) {
  const { ratio, scope, importance, roundTo, minChannels, steps, samples } = {
    ...PRUNE_DEFAULTS,
    ...operator,
  };
  const set = (change: Partial<StructuredPruneOperator>) => onOperator({ ...operator, ...change });
  const multiples = [...new Set<number>([...MULTIPLES, roundTo])];
  const { recalibrate = [] } = operator;
  return (
    <>
      <RatioField title="Channels removed" ratio={ratio} onChange={(next) => set({ ratio: next })} />
      <SelectField
        title="Ranked"
        value={scope}
        options={[
          { value: 'layer', label: 'in each layer' },
          { value: 'global', label: 'over the whole model' },
        ]}
        onChange={(next) => set({ scope: next })}
      />
      <SelectField
        title="By"
        value={importance}
        options={CHANNEL_IMPORTANCES.map((value) => ({ value, label: IMPORTANCES[value] }))}
        onChange={(next) => set({ importance: next })}
      />
      {importance === 'random' && <SeedField seed={operator.seed} onChange={(seed) => set({ seed })} />}
      <SelectField
        title="Widths"
        value={String(roundTo)}
        options={multiples.map((multiple) => ({
          value: String(multiple),
          label: multiple === 1 ? 'any' : `multiples of ${multiple}`,
        }))}
        onChange={(next) => set({ roundTo: Number(next) })}
      />
      <NumberField
        title="Fewest left"
        value={minChannels}
        min={1}
        max={4096}
        onChange={(next) => set({ minChannels: next })}
      />
      <NumberField title="Rounds" value={steps} min={1} max={100} onChange={(next) => set({ steps: next })} />
      {RECALIBRATIONS.map((correction) => (
        <CheckField
          key={correction}
          title={CORRECTIONS[correction]}
          checked={recalibrate.includes(correction)}
          onChange={(isWanted) =>
            set({
              recalibrate: isWanted
                ? [...recalibrate, correction]
                : recalibrate.filter((each) => each !== correction),
            })
          }
        />
      ))}
      {looksAtImages(operator) && (
        <>
          <NumberField
            title="Images to look at"
            value={samples}
            min={1}
            max={10_000}
            onChange={(next) => set({ samples: next })}
          />
          <SeenOnImages recipe={recipe} />
        </>
      )}
      <LayerFields operator={operator} onOperator={onOperator} />
      <p className={`${panel.dim} ${panel.small}`}>
        Channels go with everything that depends on them: the file gets smaller and there is less to compute.
      </p>
    </>
  );
}

function SeedField({
  seed = PRUNE_DEFAULTS.seed,
  onChange,
}: {
  readonly seed: number | undefined;
  readonly onChange: (seed: number) => void;
}) {
  return <NumberField title="Seed" value={seed} min={0} max={2 ** 31} onChange={onChange} />;
}

/** Layers that stay, and those with a share of their own. */
function LayerFields({ operator, onOperator }: PruneOptionsProps<LayerwisePruneOperator>) {
  const { protect = [] } = operator;
  const ends = ['first', 'last'] as const;
  const others = protect.filter((pattern) => !ends.some((end) => end === pattern));
  const rules = rulesOf(operator);
  const showChannels = useLab((lab) => lab.showChannels);
  const showTab = useLab((lab) => lab.showTab);
  const setRules = (next: readonly SparsityRule[]) => onOperator(withRules(operator, next));
  const setRule = (at: number, rule: SparsityRule) =>
    setRules(rules.map((each, index) => (index === at ? rule : each)));
  return (
    <>
      {ends.map((end) => (
        <CheckField
          key={end}
          title={`Keep the ${end} layer whole`}
          checked={protect.includes(end)}
          onChange={(isKept) =>
            onOperator(
              withProtected(operator, isKept ? [...protect, end] : protect.filter((each) => each !== end)),
            )
          }
        />
      ))}
      <PatternsField
        title="Keep whole"
        patterns={others}
        onChange={(names) =>
          onOperator(withProtected(operator, [...ends.filter((end) => protect.includes(end)), ...names]))
        }
      />
      {rules.map((rule, at) => (
        <fieldset key={at} className={mixed.rule}>
          <legend>
            {rule.pattern === undefined ? 'A share of their own' : `${rule.pattern} of their own`}
          </legend>
          <PatternsField
            title={operator.kind === 'structured' ? 'Channels made by' : 'Layers'}
            patterns={rule.nodes}
            onChange={(nodes) => setRule(at, { ...rule, nodes })}
          />
          {rule.pattern === undefined && (
            <RatioField
              title={operator.kind === 'structured' ? 'Channels removed there' : 'Zeros there'}
              ratio={rule.ratio ?? 0}
              onChange={(ratio) => setRule(at, { nodes: rule.nodes, ratio })}
            />
          )}
          <div className={mixed.remove}>
            <IconButton
              label={`Remove the rule for ${rule.nodes.join(', ') || 'no layer'}`}
              onClick={() => setRules(rules.filter((_, index) => index !== at))}
            >
              <CloseIcon />
            </IconButton>
          </div>
        </fieldset>
      ))}
      <div className={panel.buttons}>
        <Button onClick={() => setRules([...rules, { nodes: ['*'], ratio: operator.ratio ?? usualRatio }])}>
          Add a rule
        </Button>
        {operator.kind === 'structured' && (
          <Button
            onClick={() => {
              showChannels(null);
              showTab('graph');
            }}
          >
            Groups on the graph
          </Button>
        )}
      </div>
      <p className={`${panel.dim} ${panel.small}`}>
        {operator.kind === 'structured'
          ? 'Tap a layer on the graph to see the group of channels that it belongs to, and give that a share of its own. '
          : 'Tap a layer or a block on the graph to give it a share of its own, or to keep it whole. '}
        Of several rules that mean one the last counts.
      </p>
    </>
  );
}
