import { InputError, toFailure, type Failure } from '../base/result.ts';

/**
 * Anything thrown while the runtime works as plain data, with advice where the cause is known.
 * @param where what was being done: a file or an image
 */
export function runtimeFailure(thrown: unknown, where: string): Failure {
  if (thrown instanceof InputError) return thrown.failure;
  // Emscripten throws C++ exceptions it could not translate as bare numbers.
  const failure = toFailure(typeof thrown === 'number' ? new Error(`C++ exception ${thrown}`) : thrown);
  if (failure.code === 'file-changed') return { ...failure, where };
  const { message } = failure;
  if (
    /bad_alloc|Integer overflow|out of memory|allocation failed|Cannot enlarge memory|exceeds the maximum/i.test(
      message,
    )
  ) {
    return {
      code: 'out-of-memory',
      message: `The memory did not suffice for ${where}: ${message}`,
      where,
      hint: 'Close other tabs, or choose a smaller model or the WASM provider.',
    };
  }
  if (/not implemented|not a registered function|NOT_IMPLEMENTED|unsupported/i.test(message)) {
    return {
      code: 'operator-unsupported',
      message,
      where,
      hint: 'The runtime lacks this operator or type; another provider may have it.',
    };
  }
  return { code: 'inference-failed', message, where };
}
