import type { Subject } from '../persist/subject.ts';

/** Names something found of a model on these images among all that was found. */
export function findingKey({ modelId, datasetId, preprocessing }: Subject, about: string): string {
  return JSON.stringify([modelId, datasetId, preprocessing, about]);
}
