import { InputError } from '../base/result.ts';
import { perhaps } from './nearest-name.ts';

/**
 * One of these, or a refusal that names them and the nearest.
 * @throws InputError `recipe-invalid`
 */
export function oneOf<const T extends string | boolean>(
  value: unknown,
  choices: readonly T[],
  path: string,
): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  const near = typeof value === 'string' ? perhaps(value, choices.map(String)) : '';
  return refuse(path, `${describe(value)}${near}`, choices.map((each) => JSON.stringify(each)).join(' or '));
}

/** @throws InputError `recipe-invalid` */
export function refuseUnknownFields(
  json: Record<string, unknown>,
  known: readonly string[],
  path: string,
): void {
  for (const field of Object.keys(json)) {
    if (known.includes(field)) continue;
    const wanted = known.map((name) => JSON.stringify(name)).join(', ');
    refuse(`${path}.${field}`, `an unknown field${perhaps(field, known)}`, `only ${wanted}`);
  }
}

/** A field that stays left out when it is left out. */
export function optional<Name extends string, T>(
  name: Name,
  value: unknown,
  parse: (value: unknown) => T,
): { readonly [key in Name]?: T } {
  return value === undefined ? {} : ({ [name]: parse(value) } as { readonly [key in Name]: T });
}

/** A JSON object, neither null nor a list. */
export function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** What was found, for a person: `"0.5" (text)`, `nothing`, `a list`. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') {
    return `${JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)} (text)`;
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}

/** @throws InputError `recipe-invalid`, always */
export function refuse(path: string, found: string, wanted: string): never {
  throw new InputError({
    code: 'recipe-invalid',
    message: `${path}: found ${found}, wanted ${wanted}`,
    where: path,
  });
}

/** A name in a label: the end of a long one, which tells more than its beginning. */
export function shortName(name: string): string {
  return name.length <= 28 ? name : `…${name.slice(-27)}`;
}

const MAX_PATTERNS = 10_000;

/**
 * A list of names of nodes, or of patterns with `*` as `matchNodes` takes them.
 * @throws InputError `recipe-invalid`
 */
export function parseNodePatterns(json: unknown, path: string): readonly string[] {
  if (!Array.isArray(json)) return refuse(path, describe(json), 'a list of node names or patterns with *');
  if (json.length > MAX_PATTERNS) refuse(path, `${json.length} of them`, `at most ${MAX_PATTERNS}`);
  return json.map((name: unknown, index) =>
    typeof name === 'string' && name !== ''
      ? name
      : refuse(`${path}[${index}]`, describe(name), "a node's name or a pattern with *"),
  );
}

/** Names sorted, each once; a field that stays left out when there are none. */
export function sortedNames<Name extends string>(
  name: Name,
  names: readonly string[] = [],
): { readonly [key in Name]?: readonly string[] } {
  const sorted = names.length === 0 ? undefined : [...new Set(names)].toSorted();
  return optional(name, sorted, () => sorted ?? []);
}

/** @throws InputError `recipe-invalid` */
export function parseWhole(value: unknown, least: number, most: number, path: string): number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
    ? (value as number)
    : refuse(path, describe(value), `a whole number from ${least} to ${most}`);
}
