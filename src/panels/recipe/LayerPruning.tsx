import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { choiceFor, type LayerChoice, withChoice } from '../../transforms/prune/layer-choice.ts';
import { isPrunable } from '../../transforms/prune/layer-sparsity.ts';
import type { UnstructuredPruneOperator } from '../../transforms/prune/prune-operator.ts';
import { sparsityText } from '../../transforms/prune/sparsity-rules.ts';
import { SelectField } from '../ui/controls.tsx';
import { PRESET_RATIOS, RatioSlider, ratioText } from './RatioField.tsx';

interface LayerPruningProps {
  readonly view: GraphView;
  readonly nodes: readonly NodeView[];
}

/** How many weights of the selected layers each operator of the recipe makes zero; choosing another share edits it. */
export function LayerPruning({ view, nodes }: LayerPruningProps) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const layers = nodes.filter(isPrunable);
  if (layers.length === 0) return null;
  return recipe.map((operator, at) =>
    operator.op === 'prune' && operator.kind === 'unstructured' ? (
      <LayerShare
        key={at}
        operator={operator}
        view={view}
        layers={layers}
        onChoice={(choice) => editRecipe(recipe.with(at, withChoice(operator, view, layers, choice)))}
      />
    ) : null,
  );
}

interface LayerShareProps {
  readonly operator: UnstructuredPruneOperator;
  readonly view: GraphView;
  readonly layers: readonly NodeView[];
  readonly onChoice: (choice: LayerChoice) => void;
}

function LayerShare({ operator, view, layers, onChoice }: LayerShareProps) {
  const choice = choiceFor(operator, view, layers);
  const own: readonly LayerChoice[] = [
    ...PRESET_RATIOS.map((ratio) => ({ ratio })),
    { pattern: '2:4' },
    { pattern: '1:4' },
  ];
  const offered: readonly LayerChoice[] = ['usual', 'protected', ...own];
  const isListed = choice === null || offered.some((each) => keyOf(each) === keyOf(choice));
  const all = isListed || choice === null ? offered : [...offered, choice];
  const ratio = choice === null || typeof choice === 'string' ? undefined : choice.ratio;
  return (
    <>
      <SelectField
        title={layers.length === 1 ? 'Zeros here' : `Zeros in ${layers.length} layers`}
        value={choice === null ? 'various' : keyOf(choice)}
        options={[
          ...(choice === null ? [{ value: 'various', label: 'various' }] : []),
          ...all.map((each) => ({ value: keyOf(each), label: labelOf(each, operator) })),
        ]}
        onChange={(key) => {
          const chosen = all.find((each) => keyOf(each) === key);
          if (chosen !== undefined) onChoice(chosen);
        }}
      />
      {ratio !== undefined && (
        <RatioSlider title="Exactly" ratio={ratio} onChange={(next) => onChoice({ ratio: next })} />
      )}
    </>
  );
}

function keyOf(choice: LayerChoice): string {
  return typeof choice === 'string' ? choice : sparsityText(choice);
}

function labelOf(choice: LayerChoice, { ratio, pattern }: UnstructuredPruneOperator): string {
  if (choice === 'protected') return 'none: it stays whole';
  if (choice !== 'usual') return choice.pattern ?? ratioText(choice.ratio ?? 0);
  return `as the rest: ${pattern ?? ratioText(ratio ?? 0)}`;
}
