/** How far numbers are from what they stand for, summed up over as many tensors as one likes. */
export interface ErrorSums {
  readonly count: number;
  /** Sum of the squares of the original numbers. */
  readonly signal: number;
  /** Sum of the squares of the differences. */
  readonly noise: number;
  /** The largest difference. */
  readonly largest: number;
}

/** The sums of nothing. */
export const NO_ERRORS: ErrorSums = { count: 0, signal: 0, noise: 0, largest: 0 };

/** Adds a tensor's errors to the sums. Numbers that are not finite make them so, too. */
export function addErrors(sums: ErrorSums, original: Float32Array, changed: Float32Array): ErrorSums {
  let { signal, noise, largest } = sums;
  for (let at = 0; at < original.length; at++) {
    const number = original[at] as number;
    const difference = number - (changed[at] as number);
    signal += number * number;
    noise += difference * difference;
    // Written so that NaN comes in here, too, and stays.
    if (!(Math.abs(difference) <= largest)) largest = Math.abs(difference);
  }
  return { count: sums.count + original.length, signal, noise, largest };
}

/**
 * Signal to quantization noise in decibels: 20 log10 of the norm of all original numbers over that of all
 * differences. Higher is better: 20 dB are errors of a tenth, 40 dB of a hundredth. No norm is taken below
 * 2^-52, so equal tensors have a finite number, too.
 * @source onnxruntime 1.30, quantization/qdq_loss_debug.py, compute_signal_to_quantization_noice_ratio
 */
export function signalToNoiseDb({ signal, noise }: ErrorSums): number {
  const norm = (squares: number): number =>
    Number.isNaN(squares) ? squares : Math.max(Math.sqrt(squares), Number.EPSILON);
  return 20 * Math.log10(norm(signal) / norm(noise));
}

/** Norm of the differences over that of the original numbers: 0.01 are errors of a hundredth; 0 if all are equal. */
export function relativeError({ signal, noise }: ErrorSums): number {
  return noise === 0 ? 0 : Math.sqrt(noise / signal);
}
