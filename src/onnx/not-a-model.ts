import { InputError } from '../base/result.ts';
import type { ByteSource } from './byte-source.ts';
import { GraphKey, ModelKey, TensorKey } from './schema.ts';
import { WireError, WireReader } from './wire-reader.ts';

const SNIFFED_BYTES = 512;

interface OtherFormat {
  readonly name: string;
  readonly hint: string;
  readonly matches: (head: Uint8Array, text: string) => boolean;
}

const starts = (prefix: string) => (_head: Uint8Array, text: string) => text.startsWith(prefix);
const EXPORT_PYTORCH = 'Export it in PyTorch with torch.onnx.export, then open the .onnx file.';
const NOT_FOR_MODELS = 'Open an .onnx file here; images go to the dataset panel.';
const CONVERT_TENSORFLOW = 'Convert it with tf2onnx, then open the .onnx file.';
const DOWNLOAD_AGAIN = 'The download probably gave a web page instead of the file: get the file itself.';

/** What people open by mistake, the more particular before the more general. `text` is the head as Latin-1. */
const OTHER_FORMATS: readonly OtherFormat[] = [
  {
    name: 'a Git LFS pointer, a note that stands in for the model',
    hint: 'Fetch the model itself with `git lfs pull`, or download it from the web page of the repository.',
    matches: starts('version https://git-lfs'),
  },
  {
    name: 'a PyTorch checkpoint (a zip with a pickle in it)',
    hint: EXPORT_PYTORCH,
    matches: (_head, text) => text.startsWith('PK\x03\x04') && text.includes('data.pkl'),
  },
  { name: 'a zip archive', hint: 'Unpack it and open the .onnx file in it.', matches: starts('PK\x03\x04') },
  { name: 'a gzip archive', hint: 'Unpack it and open the .onnx file in it.', matches: starts('\x1f\x8b') },
  { name: 'a PNG image', hint: NOT_FOR_MODELS, matches: starts('\x89PNG') },
  { name: 'a JPEG image', hint: NOT_FOR_MODELS, matches: starts('\xff\xd8\xff') },
  { name: 'a GIF image', hint: NOT_FOR_MODELS, matches: starts('GIF8') },
  {
    name: 'a WebP image',
    hint: NOT_FOR_MODELS,
    matches: (_head, text) => text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP',
  },
  {
    name: 'a TensorFlow Lite model',
    hint: CONVERT_TENSORFLOW,
    matches: (_head, text) => text.slice(4, 8) === 'TFL3',
  },
  {
    name: 'an ONNX Runtime model (.ort)',
    hint: 'Open the .onnx file it was made from.',
    matches: (_head, text) => text.slice(4, 8) === 'ORTM',
  },
  { name: 'an HDF5 file (Keras .h5)', hint: CONVERT_TENSORFLOW, matches: starts('\x89HDF') },
  {
    name: 'a safetensors file: weights without a graph',
    hint: EXPORT_PYTORCH,
    matches: (_head, text) => text.slice(8, 10) === '{"' && text.slice(4, 8) === '\0\0\0\0',
  },
  {
    name: 'a Python pickle (an old PyTorch checkpoint)',
    hint: EXPORT_PYTORCH,
    matches: (head) => head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5,
  },
  {
    name: 'an HTML page',
    hint: DOWNLOAD_AGAIN,
    matches: (_head, text) => /^\s*<(!doctype html|html|head|body)/i.test(text),
  },
  {
    name: 'an XML file',
    hint: 'Open an .onnx file here.',
    matches: (_head, text) => /^\s*<[?!a-z]/i.test(text) && isText(text),
  },
  {
    name: 'a JSON file',
    hint: 'Open an .onnx file here; recipes and studies are imported in their own panels.',
    matches: (_head, text) => /^\s*[[{]/.test(text) && isText(text),
  },
  { name: 'a text file', hint: 'Open an .onnx file here.', matches: (_head, text) => isText(text) },
];

/**
 * Recognises files that are plainly something else before anything is read as protobuf.
 * @throws InputError `onnx-empty`, `onnx-not-a-model`
 */
export function refuseOtherFormats(source: ByteSource, fileName: string): void {
  if (source.size === 0) {
    throw new InputError({
      code: 'onnx-empty',
      message: `${fileName} is empty: it has 0 bytes.`,
      where: fileName,
      hint: 'The download or copy may have failed: get the file again.',
    });
  }
  const head = source.read(0, Math.min(SNIFFED_BYTES, source.size));
  const text = String.fromCharCode(...head);
  const other = OTHER_FORMATS.find((format) => format.matches(head, text));
  if (other !== undefined) throw notAModel(fileName, `it is ${other.name}`, other.hint);
}

/** The file ends too early: says where, inside what, and how much is missing. */
export function explainTruncation(source: ByteSource, error: WireError, fileName: string): InputError {
  if (!startsLikeModel(source)) return explainWireError(source, error, [], fileName);
  const { inside, missing } = locateCut(source);
  const amount = missing === null ? 'its rest is missing' : `at least ${missing} bytes are missing`;
  return new InputError({
    code: 'onnx-truncated',
    message: `${fileName} is cut off at byte ${source.size}, ${inside}: ${amount}.`,
    where: fileName,
    hint: 'Download or copy the file again.',
  });
}

/** Bytes that are no protobuf: damaged if the file starts as a model does, another format otherwise. */
export function explainWireError(
  source: ByteSource,
  error: WireError,
  trail: readonly string[],
  fileName: string,
): InputError {
  if (!startsLikeModel(source)) {
    return notAModel(fileName, 'its bytes are not in the ONNX format', 'Open an .onnx file here.');
  }
  const where = trail.length === 0 ? '' : ` (in ${trail.slice(0, 8).join(' > ')})`;
  const tooBig = error.kind === 'too-big';
  return new InputError({
    code: tooBig ? 'onnx-too-big' : 'onnx-corrupt',
    message: `${fileName} ${tooBig ? 'has' : 'is damaged at byte ' + error.offset + ':'} ${error.message}${where}.`,
    where: fileName,
    hint: tooBig ? 'This lab is made for smaller graphs.' : 'Download or copy the file again.',
  });
}

function notAModel(fileName: string, reason: string, hint: string): InputError {
  return new InputError({
    code: 'onnx-not-a-model',
    message: `${fileName} is not an ONNX model: ${reason}.`,
    where: fileName,
    hint,
  });
}

function startsLikeModel(source: ByteSource): boolean {
  const first = source.read(0, 1)[0] as number;
  return Object.values(ModelKey).includes(first);
}

function isText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x7f || (code < 0x20 && code !== 9 && code !== 10 && code !== 13)) return false;
  }
  return true;
}

/** Follows the field that reaches over the end of the file down to the innermost message it is in. */
function locateCut(source: ByteSource): { readonly inside: string; readonly missing: number | null } {
  const reader = new WireReader(source);
  let inside = 'in its header';
  let missing: number | null = null;
  /** Steps through fields up to the one that is cut; null if the cut is between two fields. */
  const cutField = (end: number, onField: (key: number) => void): number | null => {
    while (reader.next(end)) {
      if (reader.valueEnd > source.size) return reader.key;
      onField(reader.key);
    }
    return null;
  };
  try {
    reader.seek(0, source.size);
    const top = cutField(Infinity, () => {});
    missing = reader.valueEnd - source.size;
    if (top !== ModelKey.graph) return { inside, missing };
    inside = 'inside the graph';
    let nodes = 0;
    const part = cutField(reader.enter('graph'), (key) => {
      if (key === GraphKey.node) nodes++;
    });
    if (part === GraphKey.node) return { inside: `inside node ${nodes} of the graph`, missing };
    if (part !== GraphKey.initializer) return { inside, missing };
    inside = 'inside a weight';
    let name = '';
    const field = cutField(reader.enter('initializer'), (key) => {
      if (key === TensorKey.name) name = reader.text();
    });
    inside = field === TensorKey.rawData ? `inside the data of weight "${name}"` : `inside weight "${name}"`;
  } catch (thrown) {
    // The cut is inside a tag or a number: what was found up to there is the answer.
    if (!(thrown instanceof WireError)) throw thrown;
  }
  return { inside, missing };
}
