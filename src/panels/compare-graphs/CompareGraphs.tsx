import { useMemo, useState } from 'react';
import { CameraLink } from '../../canvas/camera-link.ts';
import {
  changesSeenBefore,
  changesText,
  graphChanges,
  type NodeChange,
  shapeChanges,
} from '../../canvas/graph-changes.ts';
import type { LinkedSide } from '../../canvas/use-camera-link.ts';
import { VariantGraph } from '../../canvas/VariantGraph.tsx';
import type { ValueName } from '../../onnx/model.ts';
import { useLab } from '../../store/lab.ts';
import type { OpenModel } from '../../store/model-slice.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { recipeName } from '../../transforms/recipe-name.ts';
import { isIdentity, type NamedRecipe, type Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Select } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { Modal } from '../ui/Modal.tsx';
import styles from './CompareGraphs.module.css';
import { ComparisonTable } from './ComparisonTable.tsx';
import { useComparedVariant } from './compared-variant.ts';

interface CompareGraphsProps {
  readonly compact: boolean;
  readonly onClose: () => void;
}

/** Two variants of the open model: their graphs, which pan together, and what they cost. */
export function CompareGraphs({ compact, onClose }: CompareGraphsProps) {
  const model = useLab((lab) => lab.model);
  return (
    <Modal title="Before and after" wide onClose={onClose}>
      {model && <Comparison model={model} compact={compact} />}
    </Modal>
  );
}

const ORIGINAL: Recipe = [];

/** What can be compared, each recipe once: the first is the original, the second what was asked for. */
function useVariants(model: OpenModel): readonly NamedRecipe[] {
  const present = useLab((lab) => lab.recipes.present);
  const asked = useLab((lab) => lab.comparedVariant);
  const listed = useLab((lab) => lab.listed);
  return useMemo(() => {
    const all = [
      { name: 'the model as it is', recipe: ORIGINAL },
      ...(asked === null ? [] : [asked]),
      { name: `on the graph: ${recipeName(present, model.view)}`, recipe: present },
      ...listed,
    ];
    const texts = all.map(({ recipe }) =>
      JSON.stringify(isIdentity(recipe) ? ORIGINAL : normaliseRecipe(recipe)),
    );
    return all.filter((_, at) => texts.indexOf(texts[at] ?? '') === at);
  }, [model, present, asked, listed]);
}

function Comparison({ model, compact }: { readonly model: OpenModel; readonly compact: boolean }) {
  const variants = useVariants(model);
  const [chosen, choose] = useState<readonly [number, number]>([0, variants.length > 1 ? 1 : 0]);
  const [files, chooseFiles] = useState<readonly [number, number]>([0, 0]);
  const link = useMemo(() => new CameraLink(), []);
  const [left, right] = useMemo(
    () =>
      [
        { link, side: 0 },
        { link, side: 1 },
      ] as const,
    [link],
  );
  const before = useComparedVariant(model, variants[chosen[0]]?.recipe ?? ORIGINAL, files[0]);
  const after = useComparedVariant(model, variants[chosen[1]]?.recipe ?? ORIGINAL, files[1]);
  const marks = useMemo(() => marksOf(before, after), [before, after]);
  const options = variants.map(({ name }, at) => ({ value: String(at), label: name }));
  const pane = (side: 0 | 1, linked: LinkedSide, made: typeof before, changes?: readonly NodeChange[]) => (
    <section className={styles.pane} aria-label={side === 0 ? 'Before' : 'After'}>
      <div className={styles.choice}>
        <Select
          label={side === 0 ? 'Variant before' : 'Variant after'}
          className={styles.select}
          value={String(chosen[side])}
          options={options}
          onChange={(value) => {
            choose(side === 0 ? [Number(value), chosen[1]] : [chosen[0], Number(value)]);
            chooseFiles(side === 0 ? [0, files[1]] : [files[0], 0]);
          }}
        />
        {made !== null && 'view' in made && made.fileNames.length > 1 && (
          <Select
            label={`File, ${side === 0 ? 'before' : 'after'}`}
            value={String(files[side])}
            options={made.fileNames.map((label, at) => ({ value: String(at), label }))}
            onChange={(value) =>
              chooseFiles(side === 0 ? [Number(value), files[1]] : [files[0], Number(value)])
            }
          />
        )}
      </div>
      <div className={styles.graph}>
        {made === null ? (
          <p className={styles.waiting} role="status">
            Making it …
          </p>
        ) : 'failure' in made ? (
          <Problem failure={made.failure} />
        ) : (
          <VariantGraph
            view={made.view}
            compact={compact}
            isBare={compact || side === 1}
            linked={linked}
            {...(marks && { shapeChanges: marks.shapes })}
            {...(changes && { changes })}
          />
        )}
      </div>
    </section>
  );
  return (
    <div className={styles.comparison}>
      <div className={styles.panes}>
        {pane(0, left, before, marks?.before)}
        {pane(1, right, after, marks?.after)}
      </div>
      {marks && <p className={`${panel.dim} ${panel.small}`}>{marks.text}</p>}
      {before !== null && 'view' in before && after !== null && 'view' in after && (
        <ComparisonTable before={before} after={after} />
      )}
    </div>
  );
}

interface Marks {
  readonly before: readonly NodeChange[];
  readonly after: readonly NodeChange[];
  readonly shapes: ReadonlyMap<ValueName, string>;
  readonly text: string;
}

type Made = ReturnType<typeof useComparedVariant>;

/** What differs between two graphs, in both. */
function marksOf(before: Made, after: Made): Marks | null {
  if (before === null || after === null || 'failure' in before || 'failure' in after) return null;
  const changes = graphChanges(before.view, after.view, after.recipe, before.recipe);
  return {
    before: changesSeenBefore(before.view, after.view, after.recipe, before.recipe),
    after: changes.nodes,
    shapes: shapeChanges(before.view, after.view),
    text: changesText(changes, after.view, after.fileNames.length),
  };
}
