import { describe, oneOf, optional, refuse, refuseUnknownFields, shortName } from '../parse-fields.ts';
import type { CutNames, PartitionOperator } from '../recipe.ts';
import { TRANSFER_TYPES } from '../transfer.ts';
import {
  AUTOMATIC_CUTS,
  automaticCutOf,
  defaultTiersOf,
  namedCutsOf,
  type TierModel,
} from './resolve-cut.ts';

/** What `fastest` assumes of the tiers and the link between them; of three tiers the others, too. */
const TWO_TIER_FIELDS = ['headSpeed', 'tailSpeed', 'bandwidthMbps', 'rttMs', 'gmacsPerSecond'] as const;
const THREE_TIER_FIELDS = ['middleSpeed', 'tailBandwidthMbps', 'tailRttMs'] as const;
const TIER_FIELDS = [...TWO_TIER_FIELDS, ...THREE_TIER_FIELDS] as const;

/** All fields of a partition besides `op`; which of them a cut may have, `parsePartition` tells. */
export const PARTITION_FIELDS: readonly string[] = [
  'cut',
  'cuts',
  'transfer',
  ...TIER_FIELDS,
  'nodeMicroseconds',
];

/** @throws InputError `recipe-invalid` */
export function parsePartition(json: Record<string, unknown>, path: string): PartitionOperator {
  const { cut, cuts } = json;
  const transfer = optional('transfer', json['transfer'], (value) =>
    oneOf(value, TRANSFER_TYPES, `${path}.transfer`),
  );
  if (cuts !== undefined) {
    if (cut !== undefined) refuse(path, 'both "cut" and "cuts"', '"cut" for two parts, or "cuts" for three');
    if (typeof cuts === 'string') {
      const kind = oneOf(cuts, AUTOMATIC_CUTS, `${path}.cuts`);
      if (kind !== 'fastest') refuseUnknownFields(json, ['op', 'cuts', 'transfer'], path);
      return { op: 'partition', cuts: kind, ...transfer, ...parseTiers(json, path) };
    }
    refuseUnknownFields(json, ['op', 'cuts', 'transfer'], path);
    if (!Array.isArray(cuts) || cuts.length !== 2)
      refuse(`${path}.cuts`, describe(cuts), 'two cuts, each the names of the values that cross');
    const [first, second] = cuts.map((names, index) => parseNamedCut(names, `${path}.cuts[${index}]`));
    return { op: 'partition', cuts: [first as CutNames, second as CutNames], ...transfer };
  }
  const names = parseCut(cut, `${path}.cut`);
  const fields = names === 'fastest' ? [...TWO_TIER_FIELDS, 'nodeMicroseconds'] : [];
  refuseUnknownFields(json, ['op', 'cut', 'transfer', ...fields], path);
  return { op: 'partition', cut: names, ...transfer, ...parseTiers(json, path) };
}

/** `cut @conv5`, `cut @a +1 @b uint8`, `two cuts fastest`. */
export function cutLabel(operator: PartitionOperator): string {
  const automatic = automaticCutOf(operator);
  const suffix = (operator.transfer ?? 'float32') === 'float32' ? '' : ` ${operator.transfer}`;
  if (automatic !== null) return `${operator.cuts === undefined ? 'cut' : 'two cuts'} ${automatic}${suffix}`;
  const places = namedCutsOf(operator).map(
    ([first = '', ...others]) => `@${shortName(first)}${others.length === 0 ? '' : ` +${others.length}`}`,
  );
  return `cut ${places.join(' ')}${suffix}`;
}

/** The same with defaults left out and names sorted. */
export function normalisePartition(operator: PartitionOperator): PartitionOperator {
  const automatic = automaticCutOf(operator);
  const transfer = operator.transfer === 'float32' ? undefined : operator.transfer;
  if (automatic !== null) {
    const defaults = defaultTiersOf(operator);
    return {
      op: 'partition',
      ...(operator.cuts === undefined ? { cut: automatic } : { cuts: automatic }),
      ...(transfer && { transfer }),
      ...Object.fromEntries(
        TIER_FIELDS.flatMap((field) => {
          const value = operator[field];
          return value === undefined || value === defaults[field] ? [] : [[field, value]];
        }),
      ),
      ...(operator.nodeMicroseconds && { nodeMicroseconds: operator.nodeMicroseconds }),
    };
  }
  const [first = [], second] = namedCutsOf(operator).map((names): CutNames => {
    const [only, ...others] = names;
    const isPlain =
      only !== undefined && others.length === 0 && !AUTOMATIC_CUTS.some((kind) => kind === only);
    return isPlain ? only : names.toSorted();
  });
  const places = second === undefined ? { cut: first } : { cuts: [first, second] as const };
  return { op: 'partition', ...places, ...(transfer && { transfer }) };
}

/** What is said about tiers, links and times. */
function parseTiers(json: Record<string, unknown>, path: string): Partial<TierModel> {
  const positive = (field: string) => (value: unknown) =>
    typeof value === 'number' && Number.isFinite(value) && value > 0
      ? value
      : refuse(`${path}.${field}`, describe(value), 'a number above 0');
  const amount = (field: string) => (value: unknown) => (value === 0 ? 0 : positive(field)(value));
  const given = TIER_FIELDS.flatMap((field) => {
    const value = json[field];
    const read = field === 'rttMs' || field === 'tailRttMs' ? amount : positive;
    return value === undefined ? [] : [[field, read(field)(value)] as const];
  });
  return {
    ...Object.fromEntries(given),
    ...optional('nodeMicroseconds', json['nodeMicroseconds'], (value) =>
      parseTimes(value, `${path}.nodeMicroseconds`),
    ),
  };
}

function parseTimes(json: unknown, path: string): readonly number[] {
  if (!Array.isArray(json) || json.length === 0)
    refuse(path, describe(json), 'a list of microseconds, one for each node');
  const times: readonly unknown[] = json;
  const isTime = (time: unknown): time is number => Number.isSafeInteger(time) && (time as number) >= 0;
  const bad = times.findIndex((time) => !isTime(time));
  if (bad >= 0) refuse(`${path}[${bad}]`, describe(times[bad]), 'whole microseconds, at least 0');
  return times.filter(isTime);
}

function parseNamedCut(json: unknown, path: string): CutNames {
  const automatic = AUTOMATIC_CUTS.find((kind) => kind === json);
  if (automatic !== undefined)
    refuse(path, `"${automatic}"`, `the names of values; "cuts": "${automatic}" leaves both to the lab`);
  return parseCut(json, path);
}

function parseCut(json: unknown, path: string): CutNames {
  const name = (value: unknown, where: string): string =>
    typeof value === 'string' && value !== '' ? value : refuse(where, describe(value), "a value's name");
  if (!Array.isArray(json)) return name(json, path);
  if (json.length === 0) refuse(path, 'an empty list', 'the names of the values that cross');
  const names = json.map((value, index) => name(value, `${path}[${index}]`));
  const seen = new Set<string>();
  names.forEach((value, index) => {
    if (seen.has(value)) refuse(`${path}[${index}]`, `"${value}" again`, 'each value once');
    seen.add(value);
  });
  return names;
}
