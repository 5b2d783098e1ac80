import { DEFAULT_EXIT_THRESHOLD } from '../../transforms/placement.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { withoutTap } from '../../transforms/exits/trained-placement.ts';
import type { Recipe, TrainedExitOperator } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { IconButton, SelectField } from '../ui/controls.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import { Slider } from '../ui/Slider.tsx';

interface TrainedExitOptionsProps {
  readonly operator: TrainedExitOperator;
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly onOperator: (next: TrainedExitOperator) => void;
  readonly onRecipe: (next: Recipe) => void;
}

/** Where trained exits hang and how they stop. */
export function TrainedExitOptions(props: TrainedExitOptionsProps) {
  const { operator, recipe, view, onOperator, onRecipe } = props;
  const { at, exit, threshold } = operator;
  const mode = exit !== undefined ? String(exit) : threshold === undefined ? 'none' : 'dynamic';
  const thresholds = typeof threshold === 'number' ? at.map(() => threshold) : (threshold ?? []);
  return (
    <>
      <SelectField
        title="Stop"
        value={mode}
        options={[
          { value: 'dynamic', label: 'when confident' },
          ...at.map((_, index) => ({ value: String(index), label: `always at exit ${index + 1}` })),
          { value: 'none', label: 'nowhere: all exits run' },
        ]}
        onChange={(value) => onOperator(stopping(operator, value))}
      />
      <ol className={panel.stack} aria-label="Trained exits">
        {at.map((value, index) => (
          <li key={value}>
            <div className={panel.row}>
              <span className={`${panel.small} ${panel.wrapAnywhere}`}>
                {index + 1} · {value}
              </span>
              <IconButton
                label={`Remove exit ${index + 1}`}
                onClick={() => onRecipe(withoutTap(recipe, view, value))}
              >
                <CloseIcon />
              </IconButton>
            </div>
            {mode === 'dynamic' && (
              <Slider
                title={`τ of exit ${index + 1}`}
                min={0.1}
                max={0.99}
                step={0.01}
                format={(each) => each.toFixed(2)}
                value={thresholds[index] ?? DEFAULT_EXIT_THRESHOLD}
                onChange={(each) => onOperator({ ...operator, threshold: thresholds.with(index, each) })}
              />
            )}
          </li>
        ))}
      </ol>
    </>
  );
}

function stopping(operator: TrainedExitOperator, mode: string): TrainedExitOperator {
  const { exit: _exit, threshold, ...rest } = operator;
  if (mode === 'none') return rest;
  if (mode === 'dynamic') return { ...rest, threshold: threshold ?? DEFAULT_EXIT_THRESHOLD };
  return { ...rest, exit: Number(mode) };
}
