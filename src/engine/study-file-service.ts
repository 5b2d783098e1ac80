import { attempt, InputError } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { isZip } from '../data/archive.ts';
import type { StudyFileApi } from '../protocol/study-file-api.ts';
import { packStudy } from '../study/packed-study.ts';
import { studiesInZip } from '../study/study-archive.ts';
import { parseStudy } from '../study/study-json.ts';
import type { Study } from '../study/trial.ts';
import { blobSource } from './blob-source.ts';

/** Longer texts do not fit into a JavaScript string everywhere. */
const mostBytes = 400_000_000;

/** Studies from files, off the page's thread. */
export function createStudyFileService(): StudyFileApi {
  return { read: (file) => attempt(async () => (await studiesOf(file)).map(packStudy)) };
}

async function studiesOf(file: File): Promise<readonly Study[]> {
  const source = blobSource(file);
  return isZip(source) ? studiesInZip(source, file.name) : [parseStudy(await textOf(file))];
}

async function textOf(file: Blob): Promise<string> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isGzipped = first === 0x1f && second === 0x8b;
  if (!isGzipped && file.size > mostBytes) throw tooLarge(file.size);
  return isGzipped ? gunzippedText(file) : file.text();
}

async function gunzippedText(file: Blob): Promise<string> {
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  let bytes = 0;
  const reader = file.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (let piece; !(piece = await reader.read()).done; ) {
      bytes += piece.value.byteLength;
      // A small file may unpack to any size.
      if (bytes > mostBytes) throw tooLarge(bytes);
      pieces.push(decoder.decode(piece.value, { stream: true }));
    }
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    throw new InputError({
      code: 'study-gzip-broken',
      message: `study.json.gz: after ${formatBytes(bytes)} of text the gzip data cannot be read`,
      hint: 'The file may have been cut off; export or copy it again.',
    });
  }
  return pieces.join('') + decoder.decode();
}

function tooLarge(bytes: number): InputError {
  return new InputError({
    code: 'study-too-large',
    message: `study.json: found ${formatBytes(bytes)} or more, wanted at most ${formatBytes(mostBytes)}`,
    hint: 'Measure in several studies; they stand beside each other under Devices.',
  });
}
