// Runs in the page: everything here uses the real data client and its worker.
import type { Result } from '../../../src/base/result.ts';
import { openDataClient } from '../../../src/clients/data-client.ts';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import type { InputPreview, LoadedDataset } from '../../../src/protocol/data-api.ts';

export interface NamedFile {
  readonly name: string;
  /** base64 */
  readonly file: string;
}

const asDecoded = (width: number, height: number): Preprocessing => ({
  inputName: 'image',
  layout: 'NCHW',
  height,
  width,
  channels: 3,
  channelOrder: 'RGB',
  fit: { kind: 'stretch' },
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  dataType: 'float32',
  invert: false,
  classOffset: 0,
});

async function withFiles<T>(
  files: readonly NamedFile[],
  use: (
    loaded: LoadedDataset,
    preview: (index: number, p: Preprocessing) => Promise<Result<InputPreview>>,
  ) => Promise<T>,
): Promise<T> {
  const client = openDataClient();
  try {
    const blobs = files.map(({ name, file }) => ({
      path: name,
      file: new Blob([Uint8Array.from(atob(file), (character) => character.charCodeAt(0))]),
    }));
    const opened = await client.api.open(blobs, 'test', () => {});
    if (!opened.ok) throw new Error(opened.failure.message);
    return await use(opened.value, (index, p) => client.api.preview(opened.value, index, p));
  } finally {
    client.terminate();
  }
}

/** The RGB bytes of each file at its own size, as the worker decodes them. */
export function decodeAll(
  files: readonly (NamedFile & { readonly width: number; readonly height: number })[],
): Promise<Record<string, number[]>> {
  return withFiles(files, async (loaded, preview) => {
    const decoded: Record<string, number[]> = {};
    for (const [index, item] of loaded.dataset.items.entries()) {
      const size = files.find(({ name }) => name === item.name) as { width: number; height: number };
      const result = await preview(index, asDecoded(size.width, size.height));
      if (!result.ok) throw new Error(result.failure.message);
      decoded[item.name] = [...result.value.seen.rgba].filter((_, i) => i % 4 !== 3);
    }
    return decoded;
  });
}

/** The code and message of decoding one file. */
export function decodeOne(file: NamedFile): Promise<string> {
  return withFiles([file], async (_loaded, preview) => {
    const result = await preview(0, asDecoded(8, 8));
    return result.ok ? 'decoded' : `${result.failure.code}: ${result.failure.message}`;
  });
}

/** Opens the bundled images and previews the first. */
export async function openSample() {
  const client = openDataClient();
  const archive = await (await fetch('/samples/digits.zip')).blob();
  const progress: number[] = [];
  const opened = await client.api.open([{ path: 'digits.zip', file: archive }], 'digits', (done) =>
    progress.push(done),
  );
  if (!opened.ok) throw new Error(opened.failure.message);
  const { dataset, pack } = opened.value;
  const preview = await client.api.preview(opened.value, 0, asDecoded(32, 32));
  const beyond = await client.api.preview(opened.value, 450, asDecoded(32, 32));
  client.terminate();
  const bytes = dataset.items.reduce((sum, item) => sum + item.length, 0);
  return { dataset, packBytes: pack.size, bytes, progress, preview, beyond };
}
