import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Tensor } from '../../../../src/onnx/model.ts';
import { elementCount, floatTensor, tensorBytes } from '../../../../src/onnx/tensor.ts';

interface TensorGolden {
  readonly type: number;
  readonly sha256: string;
}

/** Made by `test/fixtures/quantize/make_weight_golden.py`. */
export const weightGolden = JSON.parse(
  readFileSync(new URL('../../../fixtures/quantize/golden/weights.json', import.meta.url), 'utf8'),
) as {
  readonly nBits: readonly {
    readonly bits: 4 | 8;
    readonly blockSize: number;
    readonly symmetric: boolean;
    readonly rows: number;
    readonly columns: number;
    readonly form: 'matmul-nbits' | 'dequantize';
    readonly tensors: readonly (TensorGolden & { readonly dims: readonly number[] })[];
  }[];
  readonly float16: {
    readonly tensors: readonly (TensorGolden & { readonly name: string })[];
    readonly logits: readonly number[];
  };
};

/** The script's formula: numbers from -1 to 1. */
export function formula(name: string, dims: readonly number[], salt: number, scale = 1): Tensor {
  const value = (_: unknown, at: number): number =>
    Math.fround(Math.fround((((at + salt) * 7919) % 2003) / 1000 - 1) * scale);
  return floatTensor(name, dims, Float32Array.from({ length: elementCount(dims) }, value));
}

export function digest(tensor: Tensor): string {
  return createHash('sha256').update(tensorBytes(tensor)).digest('hex').slice(0, 16);
}
