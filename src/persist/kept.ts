import { deleteDataset, listDatasets } from './datasets.ts';
import { deleteModel, listModels } from './models.ts';
import { deleteShots, loadShots } from './shots.ts';
import { deleteStudy, listStudies, studyBytes } from './studies.ts';

/** Something kept on this device that takes room. */
export interface Kept {
  readonly kind: 'model' | 'dataset' | 'study' | 'shots';
  readonly id: string;
  /** For people. */
  readonly name: string;
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
  const studies = await Promise.all(
    (await listStudies()).map(async ({ id, name, createdAtMs }): Promise<Kept> => {
      return { kind: 'study', id, name, bytes: await studyBytes(id), sinceMs: createdAtMs };
    }),
  );
  const shots = await loadShots();
  const first = shots[0];
  const captured: readonly Kept[] = first
    ? [
        {
          kind: 'shots',
          id: 'all',
          name: `${shots.length} captured ${shots.length === 1 ? 'image' : 'images'}`,
          bytes: shots.reduce((sum, { png }) => sum + png.size, 0),
          sinceMs: first.takenAtMs,
        },
      ]
    : [];
  return [...models, ...datasets, ...studies, ...captured].sort((a, b) => b.bytes - a.bytes);
}

/** Forgets it; what else is kept stays. */
export async function deleteKept({ kind, id }: Kept): Promise<void> {
  switch (kind) {
    case 'model':
      return deleteModel(id);
    case 'dataset':
      return deleteDataset(id);
    case 'study':
      return deleteStudy(id);
    case 'shots':
      return deleteShots((await loadShots()).map((shot) => shot.id));
  }
}
