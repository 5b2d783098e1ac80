import type { ShapesByValue } from '../../../onnx/cost.ts';
import type { ValueName } from '../../../onnx/model.ts';
import type { ChannelPlace } from './channel-group.ts';

/** Which indices of an axis stay; only of axes that lose some. */
export interface KeptAxis {
  readonly axis: number;
  /** 1 for each index that stays. */
  readonly stays: Uint8Array;
  /** How many do. */
  readonly count: number;
}

/** The axes that lose indices, by weight and by value. */
export interface KeptAxes {
  readonly weights: ReadonlyMap<string, readonly KeptAxis[]>;
  readonly values: ReadonlyMap<string, readonly KeptAxis[]>;
}

/**
 * What the units that stay leave of each axis.
 * @param places see `ChannelGroups.places`
 * @param kept 1 for each unit that stays
 */
export function keptAxes(places: readonly ChannelPlace[], kept: Uint8Array): KeptAxes {
  const weights = new Map<string, KeptAxis[]>();
  const values = new Map<string, KeptAxis[]>();
  for (const { kind, name, axis, units } of places) {
    const found = kind === 'weight' ? weights : values;
    const known = found.get(name);
    if (known?.some((other) => other.axis === axis) === true) continue;
    const left = keptAxis(axis, units, kept);
    if (left === null) continue;
    if (known === undefined) found.set(name, [left]);
    else known.push(left);
  }
  return { weights, values };
}

function keptAxis(axis: number, units: Int32Array, kept: Uint8Array): KeptAxis | null {
  const stays = new Uint8Array(units.length);
  let count = 0;
  for (let at = 0; at < units.length; at++) {
    const unit = units[at] as number;
    if (unit >= 0 && kept[unit] === 0) continue;
    stays[at] = 1;
    count++;
  }
  return count === units.length ? null : { axis, stays, count };
}

/** The dims that are left; what was open (heads times the batch) stays open. */
export function dimsLeft<D>(
  dims: readonly D[],
  axes: readonly KeptAxis[] | undefined,
): readonly (D | number)[] {
  if (axes === undefined) return dims;
  const left: (D | number)[] = [...dims];
  for (const { axis, count } of axes) if (typeof left[axis] === 'number') left[axis] = count;
  return left;
}

/** The shapes that are left, of weights and values. */
export function shapesLeft(shapes: ShapesByValue, { weights, values }: KeptAxes): ShapesByValue {
  const left = new Map<ValueName, { dataType: number; shape: readonly (number | string | null)[] | null }>(
    shapes,
  );
  for (const [name, axes] of [...weights, ...values]) {
    const facts = shapes.get(name as ValueName);
    if (facts?.shape)
      left.set(name as ValueName, { dataType: facts.dataType, shape: dimsLeft(facts.shape, axes) });
  }
  return left;
}

/** What two removals leave, one after the other. */
export function keptAfterBoth(
  first: KeptAxes['values'],
  second: KeptAxes['values'],
): ReadonlyMap<string, readonly KeptAxis[]> {
  const both = new Map(first);
  for (const [name, axes] of second) {
    const before = both.get(name) ?? [];
    const untouched = before.filter(({ axis }) => axes.every((other) => other.axis !== axis));
    both.set(name, [
      ...untouched,
      ...axes.map((later) => {
        const earlier = before.find(({ axis }) => axis === later.axis);
        return earlier === undefined ? later : { ...later, stays: staysOfBoth(earlier.stays, later.stays) };
      }),
    ]);
  }
  return both;
}

/** @param second counts the indices that the first lets stay */
function staysOfBoth(first: Uint8Array, second: Uint8Array): Uint8Array {
  let at = 0;
  return first.map((stays) => (stays === 1 ? (second[at++] as number) : 0));
}
