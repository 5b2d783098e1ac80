import type { HeadSubject } from '../persist/heads.ts';

/** Names something found of a model on these images among all that was found. */
export function findingKey({ modelId, datasetId, preprocessing }: HeadSubject, about: string): string {
  return JSON.stringify([modelId, datasetId, preprocessing, about]);
}
