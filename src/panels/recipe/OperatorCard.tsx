import { Suspense, useState } from 'react';
import type { GraphView } from '../../onnx/graph-view.ts';
import { isAboutChannels } from '../../transforms/order-of-effect.ts';
import type { Operator, Recipe } from '../../transforms/recipe.ts';
import { IconButton } from '../ui/controls.tsx';
import { lazyPart } from '../ui/lazy-part.tsx';
import { CloseIcon, DownIcon, UpIcon } from '../ui/icons.tsx';
import { describeOperator, kindOf } from './operators.ts';
import styles from './RecipePanel.module.css';

/** Loaded when a card first needs them. */
const OperatorOptions = lazyPart(async () => (await import('./OperatorOptions.tsx')).OperatorOptions);
const SensitivityPanel = lazyPart(
  async () => (await import('../sensitivity/SensitivityPanel.tsx')).SensitivityPanel,
);
const PruneSensitivity = lazyPart(
  async () => (await import('../prune/PruneSensitivity.tsx')).PruneSensitivity,
);
const TrainExits = lazyPart(async () => (await import('./TrainExits.tsx')).TrainExits);

interface OperatorCardProps {
  readonly operator: Operator;
  readonly index: number;
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly onRecipe: (next: Recipe) => void;
}

/** One step of the recipe: what it does, and its options when opened. */
export function OperatorCard({ operator, index, recipe, view, onRecipe }: OperatorCardProps) {
  const [isOpen, setOpen] = useState(false);
  const kind = kindOf(operator);
  if (!kind) return null;
  const swapWith = (other: number) =>
    onRecipe(recipe.with(index, recipe[other] as Operator).with(other, operator));
  return (
    <li className={styles.card} style={{ '--edge': kind.colour } as React.CSSProperties}>
      <div className={styles.cardHead}>
        <button type="button" className={styles.open} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <strong>{kind.title}</strong>
          <span>{describeOperator(operator, recipe, view)}</span>
        </button>
        <div className={styles.tools}>
          {index > 0 && (
            <IconButton label={`Move ${kind.title} up`} onClick={() => swapWith(index - 1)}>
              <UpIcon />
            </IconButton>
          )}
          {index < recipe.length - 1 && (
            <IconButton label={`Move ${kind.title} down`} onClick={() => swapWith(index + 1)}>
              <DownIcon />
            </IconButton>
          )}
          <IconButton
            label={`Remove ${kind.title}`}
            onClick={() => onRecipe(recipe.filter((other) => other !== operator))}
          >
            <CloseIcon />
          </IconButton>
        </div>
      </div>
      {isOpen && (
        <div className={styles.options}>
          <Suspense fallback={null}>
            <OperatorOptions
              operator={operator}
              recipe={recipe}
              view={view}
              onOperator={(next) => onRecipe(recipe.with(index, next))}
              onRecipe={onRecipe}
            />
          </Suspense>
        </div>
      )}
      {isOpen && operator.op === 'quantize' && (operator.mode === 'static' || operator.mode === 'mixed') && (
        <Suspense fallback={null}>
          <SensitivityPanel recipe={recipe} view={view} />
        </Suspense>
      )}
      {isOpen && isAboutChannels(operator) && (
        <Suspense fallback={null}>
          <PruneSensitivity recipe={recipe} view={view} />
        </Suspense>
      )}
      {operator.op === 'early-exit' && operator.kind === 'trained' && (
        <Suspense fallback={null}>
          <TrainExits operator={operator} />
        </Suspense>
      )}
    </li>
  );
}
