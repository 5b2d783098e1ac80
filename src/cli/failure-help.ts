import type { Failure } from '../base/result.ts';

/** What to do about a refusal: its hint and the nearest recipe that fits, as JSON; a line each, none where nothing is known. */
export function failureHelp({ hint, remedy }: Failure): readonly string[] {
  // Without any operator it is the model as it is, which a file spells out.
  const recipe = remedy?.recipe.length === 0 ? [{ op: 'identity' }] : remedy?.recipe;
  const offer = remedy && `${remedy.label}: ${JSON.stringify(recipe)}`;
  return [hint, offer].filter((line) => line !== undefined);
}
