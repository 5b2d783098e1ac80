import type { ValueView } from '../onnx/graph-view.ts';

/** How float32 values cross a cut: as they are, in half precision, or as bytes with a range found at each inference. */
export type TransferType = (typeof TRANSFER_TYPES)[number];

export const TRANSFER_TYPES = ['float32', 'float16', 'uint8'] as const;

/** A value quantized to bytes is sent with its scale (float32) and zero point (one byte). */
const QUANTIZATION_BYTES = 5;

/** Whether a value is converted before it crosses; only float32 is. */
export function isConverted(value: Pick<ValueView, 'dataType'>, transfer: TransferType): boolean {
  return transfer !== 'float32' && value.dataType === 'float32';
}

/** Bytes that really cross for a value; null: unknown. */
export function transferredBytes(
  value: Pick<ValueView, 'dataType' | 'bytes'>,
  transfer: TransferType,
): number | null {
  if (value.bytes === null || !isConverted(value, transfer)) return value.bytes;
  return transfer === 'float16' ? value.bytes / 2 : value.bytes / 4 + QUANTIZATION_BYTES;
}
