import type { ConfidenceMeasure } from '../../transforms/exits/confidence.ts';
import type { ExitForm } from '../../transforms/recipe.ts';

/** What thresholds can be compared with, in words. */
export const confidenceOptions: readonly { readonly value: ConfidenceMeasure; readonly label: string }[] = [
  { value: 'max-softmax', label: 'probability of the best class' },
  { value: 'margin', label: 'its lead over the second' },
  { value: 'entropy', label: 'certainty (1 − entropy)' },
];

/** How exits that decide can be run, in words. */
export const formOptions: readonly { readonly value: ExitForm; readonly label: string }[] = [
  { value: 'segments', label: 'files, one after another' },
  { value: 'if', label: 'one file that decides inside' },
];
