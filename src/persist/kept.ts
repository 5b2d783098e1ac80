import type { Study } from '../study/trial.ts';
import { deleteDataset, listDatasets } from './datasets.ts';
import { deleteModel, listModels } from './models.ts';
import { deleteStudy, listStudies, loadStudy } from './studies.ts';

/** Something kept on this device that takes room. */
export interface Kept {
  readonly kind: 'model' | 'dataset' | 'study';
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Of a study: as text, which is what it takes within a few percent. */
  readonly bytes: number;
  /** Unix time. */
  readonly sinceMs: number;
}

/** Everything kept on this device, the largest first. */
export async function listKept(): Promise<readonly Kept[]> {
  const models = (await listModels()).map(({ id, fileName, bytes, storedAtMs }): Kept => {
    return { kind: 'model', id, name: fileName, bytes, sinceMs: storedAtMs };
  });
  const datasets = (await listDatasets()).map(({ id, dataset, bytes, storedAtMs }): Kept => {
    return { kind: 'dataset', id, name: dataset.name, bytes, sinceMs: storedAtMs };
  });
  const studies: Kept[] = [];
  // One after the other: all their samples at once would be a lot of memory.
  for (const { id } of await listStudies()) {
    const study = await loadStudy(id);
    if (study) studies.push(keptStudy(study));
  }
  return [...models, ...datasets, ...studies].sort((a, b) => b.bytes - a.bytes);
}

function keptStudy(study: Study): Kept {
  const { id, name, createdAtMs } = study;
  return { kind: 'study', id, name, bytes: JSON.stringify(study).length, sinceMs: createdAtMs };
}

/** Forgets it; what else is kept stays. */
export function deleteKept({ kind, id }: Kept): Promise<void> {
  switch (kind) {
    case 'model':
      return deleteModel(id);
    case 'dataset':
      return deleteDataset(id);
    case 'study':
      return deleteStudy(id);
  }
}
