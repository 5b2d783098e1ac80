import { useLab } from '../../store/lab.ts';
import type { ExitForm, Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';

/** Lists a recipe that stops when confident in both its forms, so that the next study measures them side by side. */
export function CompareForms({ recipe }: { readonly recipe: Recipe }) {
  const listRecipes = useLab((lab) => lab.listRecipes);
  const tell = useLab((lab) => lab.tell);
  const isCut = recipe.some(({ op }) => op === 'partition');
  const measure = () => {
    listRecipes([{ recipe: inForm(recipe, 'segments') }, { recipe: inForm(recipe, 'if') }]);
    tell('Both forms are listed', 'Measure, then choose one of the two and compare it with the other.');
  };
  return (
    <>
      <Button disabled={isCut} onClick={measure}>
        Compare both forms
      </Button>
      <p className={`${panel.dim} ${panel.small}`}>
        {isCut
          ? 'One file cannot be cut: with a cut, exits run as several files.'
          : 'Several files are called one after another until one is confident; a single file decides inside, by nested If. Both take the same exits.'}
      </p>
    </>
  );
}

function inForm(recipe: Recipe, form: ExitForm): Recipe {
  return recipe.map((operator) =>
    operator.op === 'early-exit' && operator.kind !== 'skip' ? { ...operator, form } : operator,
  );
}
