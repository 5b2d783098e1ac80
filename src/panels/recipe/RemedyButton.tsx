import type { Failure } from '../../base/result.ts';
import { useLab } from '../../store/lab.ts';
import { parseRecipe } from '../../transforms/parse-recipe.ts';
import { Button } from '../ui/controls.tsx';

/** Puts the nearest recipe that fits in place of one that does not; nothing where none is known. */
export function RemedyButton({ failure: { remedy } }: { readonly failure: Failure }) {
  const editRecipe = useLab((lab) => lab.editRecipe);
  if (!remedy) return null;
  return <Button onClick={() => editRecipe(parseRecipe(remedy.recipe))}>{remedy.label}</Button>;
}
