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
