import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { commonPrecision, layersAmong, mixOf, withLayersIn } from '../../study/node-precision.ts';
import type { Precision } from '../../transforms/quantize/mixed-operator.ts';
import { PRECISION_OPTIONS } from '../recipe/precision-options.ts';
import { SelectField } from '../ui/controls.tsx';

interface PrecisionSelectProps {
  readonly view: GraphView;
  readonly nodes: readonly NodeView[];
}

/** What the selected layers compute in, by the recipe on the canvas; choosing another edits it. */
export function PrecisionSelect({ view, nodes }: PrecisionSelectProps) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const layers = layersAmong(nodes);
  const mix = mixOf(recipe);
  if (layers.length === 0 || mix === null) return null;
  const precision = commonPrecision(mix, layers);
  return (
    <SelectField<Precision | 'various'>
      title={layers.length === 1 ? 'Precision' : `Precision of ${layers.length} layers`}
      value={precision ?? 'various'}
      options={[
        ...(precision === null ? [{ value: 'various' as const, label: 'various' }] : []),
        ...PRECISION_OPTIONS,
      ]}
      onChange={(chosen) => {
        if (chosen !== 'various') editRecipe(withLayersIn(recipe, view, layers, chosen));
      }}
    />
  );
}
