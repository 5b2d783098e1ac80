import type { ByteRange, ByteSource } from '../../onnx/byte-source.ts';
import { checkRange, memorySource } from '../../onnx/byte-source.ts';
import { countOutsideFloat16, type OutsideFloat16, writeFloat16 } from '../../onnx/float16.ts';
import { DataType, type Tensor } from '../../onnx/model.ts';
import { checkTensor, elementCount, tensorBytes, tensorRange } from '../../onnx/tensor.ts';

/** Weights are looked through in steps of this. */
const PIECE_BYTES = 1 << 22;

/**
 * A float32 tensor in half precision. Reads its values once to count what half precision cannot hold (null: holds
 * them all); the halves are made piece by piece when they are read.
 */
export function halfTensor(tensor: Tensor): {
  readonly half: Tensor;
  readonly outside: OutsideFloat16 | null;
} {
  checkTensor(tensor);
  const floats = floatRange(tensor);
  const size = 2 * elementCount(tensor.dims);
  const source: ByteSource = {
    size,
    read(offset, length) {
      checkRange(offset, length, size);
      const [first, end] = [offset >>> 1, (offset + length + 1) >>> 1];
      const halves = new Uint16Array(end - first);
      writeFloat16(wordsIn(floats, first, end), halves);
      return new Uint8Array(halves.buffer, offset - 2 * first, length);
    },
  };
  const half: Tensor = {
    ...tensor,
    dataType: DataType.float16,
    data: { kind: 'raw', range: { source, offset: 0, length: size } },
  };
  return { half, outside: outsideOf(floats) };
}

function outsideOf(floats: ByteRange): OutsideFloat16 | null {
  const sum = { tooLarge: 0, tooSmall: 0, notFinite: 0 };
  const [count, step] = [floats.length / 4, PIECE_BYTES / 4];
  for (let at = 0; at < count; at += step) {
    const found = countOutsideFloat16(wordsIn(floats, at, Math.min(count, at + step)));
    sum.tooLarge += found.tooLarge;
    sum.tooSmall += found.tooSmall;
    sum.notFinite += found.notFinite;
  }
  return sum.tooLarge + sum.tooSmall + sum.notFinite === 0 ? null : sum;
}

function floatRange(tensor: Tensor): ByteRange {
  const range = tensorRange(tensor);
  if (range !== null) return range;
  const bytes = tensorBytes(tensor);
  return { source: memorySource(bytes), offset: 0, length: bytes.length };
}

/** The bits of the values [first, end). */
function wordsIn({ source, offset }: ByteRange, first: number, end: number): Uint32Array {
  const bytes = source.read(offset + 4 * first, 4 * (end - first));
  // Tensors in a file rarely start where a view of words may.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, end - first);
}
