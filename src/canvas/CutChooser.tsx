import type { GraphView } from '../onnx/graph-view.ts';
import type { TierModels } from '../transforms/cuts/resolve-cut.ts';
import { type Placement, withAutomaticCut, withCuts } from '../transforms/placement.ts';
import type { AutomaticCut, Recipe } from '../transforms/recipe.ts';
import { secondCut } from './cut-moves.ts';
import styles from './CutHandles.module.css';

interface CutChooserProps {
  readonly view: GraphView;
  readonly recipe: Recipe;
  readonly placement: Placement;
  readonly onRecipe: (next: Recipe) => void;
  readonly compact: boolean;
  /** For `fastest`: tiers and link. */
  readonly tiers: TierModels | undefined;
}

const AUTOMATIC: readonly { readonly kind: AutomaticCut; readonly label: string; readonly title: string }[] =
  [
    { kind: 'equal-size', label: 'equal size', title: 'Parts of about the same size' },
    { kind: 'fewest-bytes', label: 'fewest bytes', title: 'Where the fewest bytes cross' },
    { kind: 'fastest', label: 'fastest', title: 'The least time in all: parts and transfers' },
  ];

/** Who places the cut: the person, or the lab; and whether there is a second one. */
export function CutChooser({ view, recipe, placement, onRecipe, compact, tiers }: CutChooserProps) {
  const { cuts } = placement;
  const chosen = cuts[0]?.automatic ?? null;
  const another = cuts.length === 1 ? secondCut(view, placement) : null;
  const crossings = cuts.map(({ crossing }) => crossing);
  return (
    <fieldset className={styles.chooser} data-compact={compact || undefined} aria-label="Place of the cut">
      <button
        type="button"
        aria-pressed={chosen === null && cuts.length > 0}
        title="Where it is dragged"
        onClick={() => onRecipe(withCuts(recipe, crossings))}
      >
        drag
      </button>
      {AUTOMATIC.map(({ kind, label, title }) => (
        <button
          key={kind}
          type="button"
          aria-pressed={chosen === kind}
          title={title}
          onClick={() =>
            onRecipe(
              cuts.length > 1
                ? withAutomaticCut(recipe, kind, tiers?.twoCuts, 2)
                : withAutomaticCut(recipe, kind, tiers?.oneCut),
            )
          }
        >
          {compact ? (label.split(' ')[0] ?? label) : label}
        </button>
      ))}
      <button
        type="button"
        aria-pressed={cuts.length > 1}
        disabled={cuts.length < 2 && another === null}
        title="A second cut: three tiers, mobile, edge and cloud"
        data-testid="second-cut"
        onClick={() => {
          if (cuts.length > 1) onRecipe(withCuts(recipe, crossings.slice(0, 1)));
          else if (another !== null) onRecipe(withCuts(recipe, another));
        }}
      >
        {compact ? '2 cuts' : 'two cuts'}
      </button>
    </fieldset>
  );
}
