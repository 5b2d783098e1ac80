import { type Failure, InputError } from '../base/result.ts';
import { perhaps } from '../transforms/nearest-name.ts';

/**
 * Reads one kind of value out of parsed JSON, or refuses it naming the path, what was found and what was wanted.
 * Only what a reader names is taken over, so strange keys of a hand-edited file go no further.
 */
export type Reader<T> = (json: unknown, path: string) => T;

/** Any text. */
export const text: Reader<string> = (json, path) =>
  typeof json === 'string' ? json : refuse(json, path, 'text');

/** True or false. */
export const flag: Reader<boolean> = (json, path) =>
  typeof json === 'boolean' ? json : refuse(json, path, 'true or false');

/** Any number. */
export const real: Reader<number> = (json, path) =>
  typeof json === 'number' && Number.isFinite(json) ? json : refuse(json, path, 'a number');

/** The last moment that a date can be, in milliseconds: whatever is more is no time, and its square still a number. */
const MOST = 8.64e15;

/** A number from 0 up: times, sizes. */
export const amount: Reader<number> = (json, path) =>
  typeof json === 'number' && json >= 0 && json <= MOST
    ? json
    : refuse(json, path, `a number from 0 up${typeof json === 'number' && json > MOST ? ` to ${MOST}` : ''}`);

/** A number above 0: speeds. */
export const positive: Reader<number> = (json, path) =>
  typeof json === 'number' && Number.isFinite(json) && json > 0
    ? json
    : refuse(json, path, 'a number above 0');

/** A whole number from 0 up: counts, indices. */
export const count: Reader<number> = (json, path) =>
  Number.isSafeInteger(json) && (json as number) >= 0
    ? (json as number)
    : refuse(json, path, 'a whole number from 0 up');

/** A place in a list: more than any list has would only be room for nothing. */
export function placeBelow(end: number): Reader<number> {
  return (json, path) =>
    count(json, path) < end ? (json as number) : refuse(json, path, `a whole number below ${end}`);
}

/** An image's place in its dataset; statistics hold marks for each. */
export const imagePlace = placeBelow(10_000_000);

/** An exit's place in its model. */
export const exitPlace = placeBelow(2 ** 15);

/** One of these texts or numbers. */
export function oneOf<const T extends string | number>(...wanted: readonly T[]): Reader<T> {
  return (json, path) =>
    wanted.find((value) => value === json) ??
    refuse(json, path, wanted.map((value) => JSON.stringify(value)).join(' or '));
}

/** The value, or null. */
export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (json, path) => (json === null ? null : read(json, path));
}

/** A list of such values. */
export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (json, path) =>
    Array.isArray(json)
      ? json.map((entry, index) => read(entry, `${path}[${index}]`))
      : refuse(json, path, 'a list');
}

/** A field that may be left out; it then stays left out. */
export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (json, path) => (json === undefined ? undefined : read(json, path));
}

/** Reads an object, and tells which fields it takes over. */
export type ObjectReader<T> = Reader<T> & { readonly fields: readonly string[] };

/** An object with these fields. */
export function object<T extends object>(
  fields: {
    readonly [K in keyof T]-?: undefined extends T[K] ? Reader<T[K] | undefined> : Reader<T[K]>;
  },
): ObjectReader<T> {
  const readers = Object.entries(fields) as [keyof T & string, Reader<T[keyof T]>][];
  const read: Reader<T> = (json, path) => {
    const source = asObject(json, path);
    return Object.fromEntries(
      readers
        .map(([name, read]) => [name, read(field(source, name), join(path, name))] as const)
        .filter(([, value]) => value !== undefined),
    ) as T;
  };
  return Object.assign(read, { fields: Object.keys(fields) });
}

/** The same, and refuses other fields: in a file that people write they are misspelt ones. */
export function exactly<T>(reader: ObjectReader<T>): Reader<T> {
  return (json, path) => {
    for (const [name, value] of Object.entries(asObject(json, path))) {
      if (reader.fields.includes(name)) continue;
      const near = perhaps(name, reader.fields) || `; known are ${reader.fields.join(', ')}`;
      refuse(value, join(path, name), `no field of this name${near}`);
    }
    return reader(json, path);
  };
}

/** A union told apart by one field. */
export function union<T extends object>(
  tag: keyof T & string,
  variants: readonly (readonly [tagValue: T[keyof T], Reader<T>])[],
): Reader<T> {
  return (json, path) => {
    const found = field(asObject(json, path), tag);
    const variant = variants.find(([value]) => value === found);
    const wanted = variants.map(([value]) => JSON.stringify(value)).join(' or ');
    return variant ? variant[1](json, path) : refuse(found, join(path, tag), wanted);
  };
}

function asObject(json: unknown, path: string): object {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? json
    : refuse(json, path, 'an object');
}

/** A field that is not there reads as undefined, which every reader refuses. */
function field(source: object, name: string): unknown {
  return Object.hasOwn(source, name) ? (source as Record<string, unknown>)[name] : undefined;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/**
 * The JSON of a file of the lab whose format has versions.
 * @throws InputError `study-not-json` or `plan-not-json` (truncated, another kind of file), `study-newer-version` or
 *   `plan-newer-version`
 */
export function parseVersioned(source: string, what: 'study' | 'plan'): unknown {
  let json: unknown;
  try {
    // A byte order mark, as some editors put before everything.
    json = JSON.parse(source.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (source.slice(0, 64).includes('\0')) {
      throw new InputError({
        code: `${what}-not-json`,
        message: `${what}.json: found text in UTF-16, or no text at all, wanted UTF-8`,
        hint: `Save it as UTF-8, or export the ${what} again.`,
      });
    }
    throw new InputError({
      code: `${what}-not-json`,
      message: `${what}.json: found no valid JSON (${error instanceof Error ? error.message : String(error)})`,
      hint: `The file may have been cut off; export the ${what} again.`,
    });
  }
  const { format, formatVersion: version } = (json ?? {}) as { format?: unknown; formatVersion?: unknown };
  const other = what === 'plan' ? 'study' : 'plan';
  if (format === `paretoscope-${other}`) {
    throw new InputError({
      code: `${what}-is-${other}`,
      message: `format: found that of a ${other}, wanted that of a ${what}`,
      where: 'format',
      hint:
        other === 'study' ? 'Open it under Front: Open a study.json.' : 'Open it under Run: Design a study.',
    });
  }
  if (typeof version === 'number' && version > 1) {
    throw new InputError({
      code: `${what}-newer-version`,
      message: `formatVersion: found ${version}, wanted at most 1`,
      where: 'formatVersion',
      hint: `This ${what} was written by a newer version of the lab; update this one.`,
    });
  }
  return json;
}

/**
 * Reads a file that the lab itself writes.
 * @throws InputError with this code and hint, naming the path, what was found and what was wanted
 */
export function parseFile<T>(source: string, read: Reader<T>, refusal: Pick<Failure, 'code' | 'hint'>): T {
  try {
    return read(JSON.parse(source), '');
  } catch (thrown) {
    const failure =
      thrown instanceof InputError ? thrown.failure : { message: `found no JSON (${String(thrown)})` };
    throw new InputError({ ...failure, ...refusal });
  }
}

/** @throws InputError `study-invalid` naming the path, what was found and what was wanted */
export function refuse(found: unknown, path: string, wanted: string): never {
  throw new InputError({
    code: 'study-invalid',
    message: `${path || 'the file'}: found ${describe(found)}, wanted ${wanted}`,
    where: path,
    hint: 'The file was damaged or edited by hand; take the original, or mend this place.',
  });
}

function describe(found: unknown): string {
  if (found === undefined) return 'nothing';
  const json = JSON.stringify(found);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
