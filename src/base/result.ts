/**
 * Something the user must be told: what was found, what was wanted, where, and what to do.
 * Plain data, because comlink keeps only an error's message, name and stack.
 */
export interface Failure {
  /** Stable kebab-case code, e.g. `onnx-truncated`. */
  readonly code: string;
  /** One sentence for a person; says found, wanted and where. */
  readonly message: string;
  /** File, node, tensor, row or image, when known. */
  readonly where?: string;
  /** What the user can do about it. */
  readonly hint?: string;
  /** The nearest thing that works, for the page to offer in one tap. */
  readonly remedy?: Remedy;
}

/** A recipe that fits in place of one that does not. */
export interface Remedy {
  /** What it does instead, as on a button: `Cut before the exit`. */
  readonly label: string;
  /** The whole recipe as JSON, for `parseRecipe`. */
  readonly recipe: readonly object[];
}

/** The outcome of something that may fail in a way a user must see. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

/** Bad input, thrown inside pure code and turned into a `Failure` at the worker's border. */
export class InputError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'InputError';
    this.failure = failure;
  }
}

/** What is told of work that somebody ended. @param what as a sentence begins: `The scan` */
export function cancellation(what: string): Failure {
  return { code: 'cancelled', message: `${what} was cancelled.` };
}

/** What a person need not be told: they ended it themselves. */
export function unlessCancelled(failure: Failure): Failure | null {
  return failure.code === 'cancelled' ? null : failure;
}

/** Wraps a value as a success. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** Wraps a failure. */
export function failed<T>(failure: Failure): Result<T> {
  return { ok: false, failure };
}

/**
 * The value of a success.
 * @throws InputError the failure, otherwise
 */
export function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new InputError(result.failure);
  return result.value;
}

/** Any thrown thing as plain data; an unexpected error keeps its message under the code `internal`. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof InputError) return thrown.failure;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  // What browsers throw when a file on disk is no longer what was opened; their own words guess at permissions.
  if (thrown instanceof Error && /^(NotReadable|NotFound)Error$/.test(thrown.name))
    return {
      code: 'file-changed',
      message: 'A file changed or vanished on disk since it was opened',
      hint: 'Open the model and the images again; what was measured before stays.',
    };
  if (UNLOADED.test(message))
    return {
      code: 'not-loaded',
      message: 'A part of the lab could not be loaded',
      hint: 'Look at the connection, then reload the page; models, images and studies are kept.',
    };
  return { code: 'internal', message };
}

/** What Chromium, Firefox and Safari say of a script that `import()` does not get, and Vite of its style sheet. */
const UNLOADED = /dynamically imported module|importing a module script failed|unable to preload css/i;

/** Runs `work`, turning whatever it throws into a `Failure`. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work());
  } catch (thrown) {
    return failed(toFailure(thrown));
  }
}

/** The outcome of work that tells its own failures; what it throws besides becomes one, too. */
export async function outcomeOf<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  const outcome = await attempt(work);
  return outcome.ok ? outcome.value : outcome;
}
