import { useEffect, useMemo, useState } from 'react';
import type { Failure } from '../../base/result.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { useTierModels } from '../../store/predictions.ts';
import { sortByFit } from '../../store/strategy-slice.ts';
import { type StrategySet, strategySets, trainedOn } from '../../study/strategy-sets.ts';
import { tiersOfPlacement } from '../../study/placement/tiers.ts';
import { automaticCutOf, type TierModel, tiersOf } from '../../transforms/cuts/resolve-cut.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { withAutomaticCut } from '../../transforms/placement.ts';
import { recipeName } from '../../transforms/recipe-name.ts';
import type { NamedRecipe, Operator, PartitionOperator, Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, IconButton } from '../ui/controls.tsx';
import { TrashIcon } from '../ui/icons.tsx';
import { Modal } from '../ui/Modal.tsx';
import styles from './StrategySets.module.css';

/** Sets of strategies that suit the open model, each added with one press; and what was made for other models. */
export function StrategySets({ onClose }: { readonly onClose: () => void }) {
  const view = useLab((lab) => lab.model?.view);
  return (
    <Modal title="Add a set of strategies" onClose={onClose}>
      {view ? <Sets view={view} onClose={onClose} /> : <p className={panel.dim}>Open a model first.</p>}
      <OtherModels onClose={onClose} />
    </Modal>
  );
}

function Sets({ view, onClose }: { readonly view: GraphView; readonly onClose: () => void }) {
  const listed = useLab((lab) => lab.listed);
  const heads = useLab((lab) => lab.heads);
  const listRecipes = useLab((lab) => lab.listRecipes);
  const tell = useLab((lab) => lab.tell);
  const { oneCut, twoCuts } = useTierModels(view);
  const isThree = useLab((lab) => tiersOfPlacement(lab.shownPlacement).length > 2);
  const tiersOfNow = isThree ? twoCuts : oneCut;
  // What is listed for these tiers stays the same strategy, though costs may have been measured since.
  const tiers = fastestListed(listed, tiersOfNow) ?? tiersOfNow;
  const sets = useMemo(() => strategySets(view, trainedOn(view, heads), tiers), [view, heads, tiers]);
  const refusals = useRefusals(sets);
  const keys = new Set(listed.flatMap((each) => (each.placement ? [] : [keyOf(each.recipe)])));
  return (
    <ul className={styles.sets}>
      {sets.map((set) => {
        const { offered, leftOut } = suitable(set, refusals);
        const added = offered.filter(({ recipe }) => !keys.has(keyOf(recipe))).length;
        return (
          <li key={set.id} className={styles.set}>
            <div className={styles.head}>
              <h3>{set.title}</h3>
              <Button
                look="primary"
                aria-label={`Add ${set.title}`}
                disabled={refusals === null || offered.length < 2}
                onClick={() => {
                  listRecipes(offered);
                  tell(
                    `${set.title}: ${countOf(offered.length)} chosen`,
                    added < offered.length ? `${countOf(offered.length - added)} had been in the list.` : '',
                  );
                  onClose();
                }}
              >
                {refusals === null ? 'Checking…' : added === 0 ? 'Choose' : `Add ${added}`}
              </Button>
            </div>
            <p>{set.note}</p>
            <ul className={styles.names}>
              {offered.map((strategy) => (
                <li
                  key={strategy.name}
                  data-listed={keys.has(keyOf(strategy.recipe))}
                  title={recipeName(strategy.recipe, view)}
                >
                  {strategy.name}
                </li>
              ))}
            </ul>
            {[...namesByReason(leftOut)].map(([reason, names]) => (
              <p key={reason} className={`${panel.dim} ${panel.small}`}>
                Left out: <strong>{names.join(', ')}</strong>, {reason}.
              </p>
            ))}
          </li>
        );
      })}
    </ul>
  );
}

/** What was made for other models, to be tried on this one. */
function OtherModels({ onClose }: { readonly onClose: () => void }) {
  const modelId = useLab((lab) => lab.model?.view.modelId);
  const shelves = useLab((lab) => lab.shelves);
  const applyShelf = useLab((lab) => lab.applyShelf);
  const forgetShelf = useLab((lab) => lab.forgetShelf);
  const others = [...shelves].filter(([id, { listed }]) => id !== modelId && listed.length > 0).toReversed();
  if (others.length === 0) return null;
  return (
    <section className={styles.others} aria-label="Recipes of other models">
      <h3>Recipes of other models</h3>
      <p className={`${panel.dim} ${panel.small}`}>
        What suits the open model is added; what does not is told.
      </p>
      <ul>
        {others.map(([id, { modelName = 'a model', listed }]) => (
          <li key={id} className={panel.row}>
            <span className={styles.model}>
              <strong>{modelName}</strong>{' '}
              <span className={panel.dim}>
                {listed.length} {listed.length === 1 ? 'recipe' : 'recipes'}
              </span>
            </span>
            <Button
              aria-label={`Add the recipes of ${modelName}`}
              onClick={() => {
                void applyShelf(id);
                onClose();
              }}
            >
              Add
            </Button>
            <IconButton label={`Forget the recipes of ${modelName}`} onClick={() => forgetShelf(id)}>
              <TrashIcon />
            </IconButton>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Why the open model refuses recipes, by `keyOf`; null until all are checked. */
function useRefusals(sets: readonly StrategySet[]): ReadonlyMap<string, Failure> | null {
  const [refusals, setRefusals] = useState<ReadonlyMap<string, Failure> | null>(null);
  useEffect(() => {
    let isCurrent = true;
    const distinct = new Map(sets.flatMap((set) => set.strategies.map((each) => [keyOf(each.recipe), each])));
    void sortByFit([...distinct.values()]).then(({ misfits }) => {
      if (isCurrent)
        setRefusals(new Map(misfits.map(({ given, failure }) => [keyOf(given.recipe), failure])));
    });
    return () => {
      isCurrent = false;
    };
  }, [sets]);
  return refusals;
}

function suitable(
  { strategies, leftOut }: StrategySet,
  refusals: ReadonlyMap<string, Failure> | null,
): { readonly offered: readonly NamedRecipe[]; readonly leftOut: StrategySet['leftOut'] } {
  const refused = strategies.flatMap(({ name, recipe }) => {
    const failure = refusals?.get(keyOf(recipe));
    return failure ? [{ name, reason: failure.message.replace(/\.$/, '') }] : [];
  });
  return {
    offered: strategies.filter(({ recipe }) => !refusals?.has(keyOf(recipe))),
    leftOut: [...leftOut, ...refused],
  };
}

function namesByReason(leftOut: StrategySet['leftOut']): ReadonlyMap<string, readonly string[]> {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of leftOut) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  return byReason;
}

/** The listed fastest cut for the same tiers and links. */
function fastestListed(
  listed: readonly Pick<NamedRecipe, 'recipe'>[],
  tiers: TierModel,
): PartitionOperator | undefined {
  const keyOfTiers = (given: Partial<TierModel>): string => {
    const { nodeMicroseconds: _times, gmacsPerSecond: _speed, ...rest } = given;
    return keyOf(withAutomaticCut([], 'fastest', rest, given.middleSpeed === undefined ? 1 : 2));
  };
  return listed
    .flatMap(({ recipe: [only, ...others] }) => (only && others.length === 0 ? [only] : []))
    .filter(isFastestCut)
    .find((operator) => keyOfTiers(tiersOf(operator)) === keyOfTiers(tiers));
}

function isFastestCut(operator: Operator): operator is PartitionOperator {
  return operator.op === 'partition' && automaticCutOf(operator) === 'fastest';
}

function keyOf(recipe: Recipe): string {
  return JSON.stringify(normaliseRecipe(recipe));
}

function countOf(strategies: number): string {
  return strategies === 1 ? 'one strategy' : `${strategies} strategies`;
}
