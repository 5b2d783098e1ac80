import type { ExternalData } from './ort.ts';

/** What a session is created from. */
export interface SessionInput {
  readonly modelBytes: Uint8Array;
  readonly externalData?: ExternalData;
}

/** Reads a model file for the runtime. */
export async function sessionInput(blob: Blob, _name: string): Promise<SessionInput> {
  return { modelBytes: new Uint8Array(await blob.arrayBuffer()) };
}
