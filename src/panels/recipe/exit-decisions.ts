import type { ConfidenceMeasure } from '../../transforms/exits/confidence.ts';
import type { ExitForm } from '../../transforms/recipe.ts';

/** What thresholds can be compared with, in words. */
export const confidenceOptions: readonly { readonly value: ConfidenceMeasure; readonly label: string }[] = [
  { value: 'max-softmax', label: 'maximum softmax' },
  { value: 'margin', label: 'margin to the second' },
  { value: 'entropy', label: 'entropy (1 − H)' },
];

/** How exits that decide can be run, in words. */
export const formOptions: readonly { readonly value: ExitForm; readonly label: string }[] = [
  { value: 'segments', label: 'several files' },
  { value: 'if', label: 'one file, nested If' },
];
