import type { GraphView } from '../onnx/graph-view.ts';
import { useLab } from '../store/lab.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { GraphCanvas } from './GraphCanvas.tsx';
import type { GraphCanvasProps } from './props.ts';

type Shown = Pick<
  GraphCanvasProps,
  'compact' | 'tools' | 'changes' | 'shapeChanges' | 'note' | 'isBare' | 'linked'
>;

const NO_RECIPE: Recipe = [];

/** A graph to look at, in the colours of the stage: nothing on it can be moved or chosen. */
export function VariantGraph(shown: Shown & { readonly view: GraphView }) {
  const colour = useLab((lab) => lab.colour);
  const setColour = useLab((lab) => lab.setColour);
  return (
    <GraphCanvas
      {...shown}
      recipe={NO_RECIPE}
      onRecipe={ignore}
      selectedNode={null}
      onSelectNode={ignore}
      colour={colour}
      onColour={setColour}
      search=""
      isReadOnly
    />
  );
}

function ignore(): void {}
