import { formatBytes, formatShare } from '../../base/units.ts';
import { unreachable } from '../../base/assert.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import {
  DEFAULT_EXIT_THRESHOLD,
  placementOf,
  withAutomaticCut,
  withCut,
  withCuts,
  withDynamicExits,
  withFixedExit,
} from '../../transforms/placement.ts';
import { DEFAULT_CONFIDENCE } from '../../transforms/exits/confidence.ts';
import { useTierModels } from '../../store/predictions.ts';
import { placeOfCut } from '../../transforms/recipe-name.ts';
import type { ExistingExitOperator, Operator, Recipe } from '../../transforms/recipe.ts';
import { neighbourCut } from '../../transforms/cuts/neighbour-cut.ts';
import panel from '../panel.module.css';
import { TransferOption } from '../placement/TransferOption.tsx';
import { CheckField, IconButton, SelectField } from '../ui/controls.tsx';
import { LeftIcon, RightIcon } from '../ui/icons.tsx';
import { Slider } from '../ui/Slider.tsx';
import { CompareForms } from './CompareForms.tsx';
import { confidenceOptions, formOptions } from './exit-decisions.ts';
import { PrepareOptions } from './PrepareOptions.tsx';
import { PruneOptions } from './PruneOptions.tsx';
import { QuantizeOptions } from './QuantizeOptions.tsx';
import { SkipOptions } from './SkipOptions.tsx';
import { TrainedExitOptions } from './TrainedExitOptions.tsx';
import styles from './RecipePanel.module.css';

interface OptionsProps<O extends Operator> {
  readonly operator: O;
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly onOperator: (next: O) => void;
  readonly onRecipe: (next: Recipe) => void;
}

/** The controls of an operator's options. */
export function OperatorOptions({ operator, ...rest }: OptionsProps<Operator>) {
  switch (operator.op) {
    case 'identity':
      return null;
    case 'early-exit':
      switch (operator.kind) {
        case 'skip':
          return <SkipOptions recipe={rest.recipe} view={rest.view} onRecipe={rest.onRecipe} />;
        case 'trained':
          return <TrainedExitOptions operator={operator} {...rest} />;
        case 'existing':
          return <EarlyExitOptions operator={operator} {...rest} />;
        default:
          return unreachable(operator);
      }
    case 'quantize':
      return <QuantizeOptions operator={operator} recipe={rest.recipe} onOperator={rest.onOperator} />;
    case 'prepare':
      return <PrepareOptions operator={operator} onOperator={rest.onOperator} />;
    case 'prune':
      return <PruneOptions operator={operator} {...rest} />;
    case 'partition':
      return (
        <>
          <PartitionOptions recipe={rest.recipe} view={rest.view} onRecipe={rest.onRecipe} />
          <TransferOption operator={operator} onOperator={rest.onOperator} />
        </>
      );
    default:
      return unreachable(operator);
  }
}

function EarlyExitOptions({
  operator,
  recipe,
  view,
  onOperator,
  onRecipe,
}: OptionsProps<ExistingExitOperator>) {
  const last = view.exits.length - 1;
  const chosen = operator.exits ?? view.exits.map((exit) => exit.index);
  const thresholds = operator.threshold ?? DEFAULT_EXIT_THRESHOLD;
  const mode = operator.exit === undefined ? 'dynamic' : String(operator.exit);
  const setExits = (exits: readonly number[], threshold: number | readonly number[]) =>
    onRecipe(withDynamicExits(recipe, exits, threshold));
  /** One threshold, which fits any set of exits. */
  const single = typeof thresholds === 'number' ? thresholds : (thresholds[0] ?? DEFAULT_EXIT_THRESHOLD);
  return (
    <>
      <SelectField
        title="Stop"
        value={mode}
        options={[
          { value: 'dynamic', label: 'when confident' },
          ...view.exits.map((exit) => ({
            value: String(exit.index),
            label: `always at exit ${exit.index + 1}`,
          })),
        ]}
        onChange={(value) =>
          value === 'dynamic'
            ? setExits(
                view.exits.map((exit) => exit.index),
                DEFAULT_EXIT_THRESHOLD,
              )
            : onRecipe(withFixedExit(recipe, Number(value)))
        }
      />
      {mode === 'dynamic' && (
        <>
          {typeof thresholds === 'number' ? (
            <Slider
              title="Confidence to stop, τ"
              {...thresholdRange}
              value={thresholds}
              onChange={(threshold) => setExits(chosen, threshold)}
            />
          ) : (
            thresholds.map((threshold, position) => (
              <Slider
                key={chosen[position]}
                title={`τ of exit ${(chosen[position] ?? position) + 1}`}
                {...thresholdRange}
                value={threshold}
                onChange={(next) => setExits(chosen, thresholds.with(position, next))}
              />
            ))
          )}
          {chosen.length > 2 && (
            <CheckField
              title="A threshold for each exit"
              checked={typeof thresholds !== 'number'}
              onChange={(each) => setExits(chosen, each ? chosen.slice(0, -1).map(() => single) : single)}
            />
          )}
          {view.exits.slice(0, last).map((exit) => (
            <CheckField
              key={exit.index}
              title={`Exit ${exit.index + 1} takes part · ${formatShare(exit.macs / Math.max(1, view.totals.macs))} of the MACs`}
              checked={chosen.includes(exit.index)}
              onChange={(on) =>
                setExits(
                  on ? [...chosen, exit.index] : chosen.filter((index) => index !== exit.index),
                  single,
                )
              }
            />
          ))}
          <SelectField
            title="Confidence"
            value={operator.confidence ?? DEFAULT_CONFIDENCE}
            options={confidenceOptions}
            onChange={(confidence) => onOperator({ ...operator, confidence })}
          />
          <SelectField
            title="Run as"
            value={operator.form ?? 'segments'}
            options={formOptions}
            onChange={(form) => onOperator({ ...operator, form })}
          />
          <CompareForms recipe={recipe} />
          <p className={`${panel.dim} ${panel.small}`}>
            Inference stops at the first exit that is at least so confident, from 0 to 1. A higher τ stops
            less often: slower, closer to the full model.
          </p>
        </>
      )}
    </>
  );
}

const thresholdRange = { min: 0.1, max: 0.99, step: 0.01, format: (value: number) => value.toFixed(2) };

/** Steps the cut along the graph, for those who would rather press than drag. */
export function PartitionOptions({
  recipe,
  view,
  onRecipe,
}: {
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly onRecipe: (next: Recipe) => void;
}) {
  const { oneCut, twoCuts } = useTierModels(view);
  const { cuts } = placementOf(recipe, view);
  const [first, second] = cuts;
  if (first === undefined) return null;
  const cut = first.afterNode;
  const previous = neighbourCut(view, cut, -1);
  const next = neighbourCut(view, cut, 1);
  return (
    <>
      <SelectField
        title="Place"
        value={first.automatic ?? 'by-hand'}
        options={[
          { value: 'by-hand', label: 'where it is dragged' },
          { value: 'equal-size', label: 'parts of equal size' },
          { value: 'fewest-bytes', label: 'the fewest bytes cross' },
          { value: 'fastest', label: 'the fastest in all' },
        ]}
        onChange={(place) =>
          onRecipe(
            place === 'by-hand'
              ? withCuts(
                  recipe,
                  cuts.map(({ crossing }) => crossing),
                )
              : second === undefined
                ? withAutomaticCut(recipe, place, oneCut)
                : withAutomaticCut(recipe, place, twoCuts, 2),
          )
        }
      />
      {second === undefined && (
        <div className={styles.stepper}>
          <IconButton
            label="Earlier cut"
            disabled={previous === null}
            onClick={() => onRecipe(withCut(recipe, view, previous))}
          >
            <LeftIcon />
          </IconButton>
          <span className={panel.small}>{placeOfCut(view, cut)}</span>
          <IconButton
            label="Later cut"
            disabled={next === null}
            onClick={() => onRecipe(withCut(recipe, view, next))}
          >
            <RightIcon />
          </IconButton>
        </div>
      )}
      <ul className={`${panel.small} ${panel.dim} ${panel.wrapAnywhere}`}>
        {[...new Set(cuts.flatMap(({ crossing }) => crossing))].map((name) => {
          const value = view.values.get(name);
          return (
            <li key={name}>
              {name} · {value?.dataType} [{value?.shape?.map((dim) => dim ?? '?').join(', ') ?? '?'}]
              {value?.bytes != null && ` · ${formatBytes(value.bytes)}`}
            </li>
          );
        })}
      </ul>
    </>
  );
}
