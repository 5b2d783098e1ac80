import { attempt, type Result } from '../base/result.ts';
import { figuresKey, type FormFigures } from '../study/forms/form-figures.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';

/** Keeps what forms were timed to take; earlier figures of the same place go. */
export function saveFormFigures(figures: FormFigures): Promise<Result<void>> {
  return attemptWrite('the comparison of forms', async () => {
    await (await openDatabase()).put('formFigures', figures, figuresKey(figures));
  });
}

/** Of all places; none where they cannot be read. */
export async function loadFormFigures(): Promise<readonly FormFigures[]> {
  const kept = await attempt(async () => (await openDatabase()).getAll('formFigures'));
  return kept.ok ? kept.value : [];
}
