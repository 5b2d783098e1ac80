// Runs in the page: the real IndexedDB and private file system.
import { seededRandom } from '../../../src/base/random.ts';
import type { Failure, Result } from '../../../src/base/result.ts';
import { newBlobKey, readBlob, writeBlob } from '../../../src/persist/blobs.ts';
import { loadDataset, saveDataset } from '../../../src/persist/datasets.ts';
import { openDatabase } from '../../../src/persist/database.ts';
import { loadFindings, saveFinding } from '../../../src/persist/layer-findings.ts';
import { deleteModel, listModels, loadModel, saveModel } from '../../../src/persist/models.ts';
import { cleanUp, loadSession, saveSession } from '../../../src/persist/session.ts';
import { deleteStudy, listStudies, loadStudy, saveStudy, saveTrial } from '../../../src/persist/studies.ts';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import { noiseDataset } from '../../../src/data/noise-dataset.ts';
import { parseStudy } from '../../../src/study/study-json.ts';

/** Large enough to be written in several steps. */
const modelBytes = 20e6 + 17;

/** Noise, repeated every megabyte. */
function noise(seed: number, length: number): Blob {
  const random = seededRandom(seed);
  const piece = new Uint8Array(1 << 20);
  for (let i = 0; i < piece.length; i++) piece[i] = random() * 256;
  const pieces = Array.from({ length: Math.ceil(length / piece.length) }, () => piece);
  return new Blob(pieces).slice(0, length);
}

async function hashOf(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/** Keeps a model of noise with an external file; returns the hashes and the progress told. */
export async function keepModel(id: string, seed: number) {
  const file = noise(seed, modelBytes);
  const external = noise(seed + 1, 1000);
  const progress: number[] = [];
  const model = { file, fileName: `${id}.onnx`, externalFiles: [{ location: 'w.bin', file: external }] };
  value(await saveModel(id, model, seed, { onProgress: (bytes) => progress.push(bytes) }));
  return { hashes: [await hashOf(file), await hashOf(external)], progress };
}

/** Hashes of a kept model's files; null if there is none. */
export async function keptModel(id: string) {
  const model = await loadModel(id);
  if (!model) return null;
  const hashes = [
    await hashOf(model.file),
    ...(await Promise.all(model.externalFiles.map((e) => hashOf(e.file)))),
  ];
  return { fileName: model.fileName, locations: model.externalFiles.map((e) => e.location), hashes };
}

export async function modelNames() {
  return (await listModels()).map((model) => model.fileName);
}

/** Tries to replace a kept model and cancels half-way. */
export async function replaceAndCancel(id: string): Promise<Result<unknown>> {
  const ends = new AbortController();
  const model = { file: noise(9, modelBytes), fileName: 'new.onnx', externalFiles: [] };
  return saveModel(id, model, 1, { signal: ends.signal, onProgress: () => ends.abort() });
}

/** Tries to keep a model that does not fit. */
export async function keepTooMuch(): Promise<Failure | null> {
  const result = await saveModel(
    'huge',
    { file: noise(3, modelBytes), fileName: 'huge.onnx', externalFiles: [] },
    2,
  );
  return result.ok ? null : result.failure;
}

export const forgetModel = deleteModel;

/** Bytes in this site's private folder. */
export async function storedFileBytes(): Promise<number> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle('kept', { create: true });
  let bytes = 0;
  for await (const handle of folder.values()) {
    if (handle.kind === 'file') bytes += (await (handle as FileSystemFileHandle).getFile()).size;
  }
  return bytes;
}

/** Writes a file that no record names, as a closed tab would leave, and cleans up. */
export async function cleanUpAfterOrphan() {
  const key = newBlobKey('model');
  await writeBlob(key, noise(4, 1000));
  const before = (await readBlob(key))?.size;
  await cleanUp();
  return { before, after: (await readBlob(key))?.size };
}

export async function keepDataset() {
  const { dataset, pack } = noiseDataset({ width: 8, height: 8, channels: 3 });
  const blob = new Blob([pack]);
  value(await saveDataset({ dataset, pack: blob }, 1));
  value(await saveDataset({ dataset, pack: blob }, 2));
  return { dataset, hash: await hashOf(blob) };
}

export async function keptDataset(id: string) {
  const kept = await loadDataset(id);
  return kept && { dataset: kept.dataset, hash: await hashOf(kept.pack) };
}

/** Keeps studies given as JSON. */
export async function keepStudies(texts: readonly string[]) {
  for (const text of texts) value(await saveStudy(parseStudy(text)));
}

/** Renews one trial of a kept study, as a run does after each visit. */
export async function renewTrial(studyId: string, position: number) {
  const trial = (await loadStudy(studyId))?.trials[position];
  if (!trial) throw new Error('no such trial');
  value(await saveTrial({ ...trial, warnings: ['renewed'] }));
}

/** Writes a study as versions did that kept samples within their trials. */
export async function keepAsBefore(text: string) {
  const { trials, ...rest } = parseStudy(text);
  const database = await openDatabase();
  await database.put('studies', { ...rest, trialIds: trials.map(({ id }) => id) });
  for (const trial of trials) await database.put('trials', trial);
}

/**
 * Adds samples to the first trial of a kept study and starts it over at last.
 * @returns after each step what is kept, and how many chunks and answers were written anew
 */
export async function growTrial(studyId: string, steps: readonly number[]) {
  const trial = (await loadStudy(studyId))?.trials[0];
  const sample = trial?.samples[0];
  if (!trial || !sample) throw new Error('no such trial');
  const writes: string[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- called on a store, and put back below
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, record: unknown) {
    writes.push(this.name);
    return put.call(this, record);
  };
  const found = [];
  for (const [round, length] of steps.entries()) {
    const samples = Array.from({ length }, (_, sequence) => ({
      ...sample,
      sequence,
      startedAtMs: sequence,
      computeMs: length < (steps[round - 1] ?? 0) ? -sequence : sequence,
    }));
    writes.length = 0;
    value(await saveTrial({ ...trial, samples }));
    const isKept = JSON.stringify((await loadStudy(studyId))?.trials[0]?.samples) === JSON.stringify(samples);
    const writesOf = (name: string): number => writes.filter((each) => each === name).length;
    found.push({ isKept, chunksWritten: writesOf('samples'), answersWritten: writesOf('answers') });
  }
  IDBObjectStore.prototype.put = put;
  return found;
}

/** Deletes a study of which a trial is kept after that, as of one that runs in another window. @returns why it is not */
export async function renewAfterForgetting(studyId: string) {
  const trial = (await loadStudy(studyId))?.trials[0];
  if (!trial) throw new Error('no such trial');
  await deleteStudy(studyId);
  const kept = await saveTrial(trial);
  return {
    told: kept.ok ? null : kept.failure.message,
    trialsLeft: (await (await openDatabase()).getAll('trials')).filter((each) => each.studyId === studyId),
  };
}

export const keptStudy = loadStudy;

export async function studyIds() {
  return (await listStudies()).map((header) => header.id);
}

export async function keepSession() {
  const recipe = [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }] as const;
  const session = { modelId: 'm', datasetId: 'd', preprocessing: null, recipe, strategies: [], studyId: 's' };
  value(await saveSession(session));
  return session;
}

export const keptSession = loadSession;

const preprocessing = { scale: 1 } as unknown as Preprocessing;

/** Keeps so many scans of a model, the last one twice. */
export async function keepScans(modelId: string, count: number) {
  const subject = { modelId, datasetId: 'd', preprocessing };
  for (let at = 0; at < count; at++)
    value(await saveFinding('layerScans', subject, `scan ${at}`, { results: [], total: 1, images: 1 }, at));
  const later = { results: [], total: 2, images: 1 };
  value(await saveFinding('layerScans', subject, `scan ${count - 1}`, later, count));
}

/** What each kept scan of a model is called, and how many layers it has. */
export async function keptScans(modelId: string) {
  const kept = await loadFindings('layerScans', { modelId, datasetId: 'd', preprocessing });
  return kept.map(({ key, found }) => [key, found.total] as const);
}
