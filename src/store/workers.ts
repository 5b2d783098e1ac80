import { type DataClient, openDataClient } from '../clients/data-client.ts';
import { type ModelClient, openModelClient } from '../clients/model-client.ts';
import type { DataApi } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';

/** The page's long-lived workers. Handles are no facts, so they live beside the store, not in it. */
let model: ModelClient | null = null;
let data: DataClient | null = null;
/** Started ahead, so that the next model does not wait for a worker to load its code. */
let spareModel: ModelClient | null = null;

/** A worker for a model about to be opened; the caller adopts or ends it. */
export function takeModelWorker(): ModelClient {
  const taken = spareModel ?? openModelClient();
  spareModel = null;
  return taken;
}

/** The worker that has the open model; null when none is open. */
export function modelWorker(): ModelApi | null {
  return model?.api ?? null;
}

/** Makes `next` the open model's worker and ends the one before, which frees its memory. */
export function adoptModelWorker(next: ModelClient): void {
  model?.terminate();
  model = next;
  // Not at once: the model's first drawing goes before.
  setTimeout(() => (spareModel ??= openModelClient()), 2000);
}

/** The worker that reads images, started on first use. */
export function dataWorker(): DataApi {
  data ??= openDataClient();
  return data.api;
}

/** Ends whatever the data worker is doing; the next call starts a fresh one. */
export function stopDataWorker(): void {
  data?.terminate();
  data = null;
}
