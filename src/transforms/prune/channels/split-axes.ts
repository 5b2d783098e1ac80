/** How a reshape regroups axes: old axes split into factors, and neighbouring factors merge into new axes. */
export interface Regrouping {
  /** Sizes of the factors, in row-major order. */
  readonly sizes: readonly number[];
  /** For each factor the old axis it is a part of. */
  readonly from: readonly number[];
  /** For each factor the new axis it becomes a part of. */
  readonly to: readonly number[];
  /** Old and new axes that do not line up, as in [6, 4] made [4, 6]: what they hold is mixed. */
  readonly mixedFrom: ReadonlySet<number>;
  readonly mixedTo: ReadonlySet<number>;
}

/**
 * Row-major regrouping of `before` as `after`; axes of size 1 take no part.
 * @returns null if the sizes do not hold equally many elements, or there are none
 */
export function regroup(before: readonly number[], after: readonly number[]): Regrouping | null {
  const olds = boundaries(before);
  const news = boundaries(after);
  if (olds.total !== news.total || olds.total === 0) return null;
  // Elements behind each boundary, from the right: where a factor may begin.
  const strides = [...new Set([...olds.strides, ...news.strides])].toSorted((a, b) => a - b);
  const sizes: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  const mixedFrom = new Set<number>();
  const mixedTo = new Set<number>();
  let inner = 1;
  for (let position = 1; position <= strides.length; position++) {
    const outer = strides[position] ?? olds.total;
    if (outer === inner) continue;
    const oldAxis = axisAt(olds, inner);
    const newAxis = axisAt(news, inner);
    if (outer % inner === 0) {
      sizes.push(outer / inner);
      from.push(oldAxis);
      to.push(newAxis);
    } else {
      for (const axis of axesWithin(olds, inner, outer)) mixedFrom.add(axis);
      for (const axis of axesWithin(news, inner, outer)) mixedTo.add(axis);
    }
    inner = outer;
  }
  return { sizes: sizes.toReversed(), from: from.toReversed(), to: to.toReversed(), mixedFrom, mixedTo };
}

interface Boundaries {
  readonly total: number;
  readonly strides: readonly number[];
  readonly dims: readonly number[];
}

function boundaries(dims: readonly number[]): Boundaries {
  const strides: number[] = [];
  let total = 1;
  for (const size of dims.toReversed()) {
    strides.push(total);
    total *= size;
  }
  return { total, strides: strides.toReversed(), dims };
}

/** The axis of size above 1 that varies at a stride. */
function axisAt({ strides, dims }: Boundaries, stride: number): number {
  return strides.findIndex((own, axis) => own <= stride && own * (dims[axis] as number) > stride);
}

/** The axes that vary somewhere between two strides. */
function axesWithin({ strides, dims }: Boundaries, inner: number, outer: number): number[] {
  return [...strides.keys()].filter((axis) => {
    const own = strides[axis] as number;
    return own < outer && own * (dims[axis] as number) > inner;
  });
}

/** The coordinate along factor `position` of each index of an axis that is split into factors. */
export function coordinates(sizes: readonly number[], position: number): Int32Array {
  const total = sizes.reduce((product, size) => product * size, 1);
  const inner = sizes.slice(position + 1).reduce((product, size) => product * size, 1);
  const size = sizes[position] as number;
  const result = new Int32Array(total);
  for (let index = 0; index < total; index++) result[index] = Math.floor(index / inner) % size;
  return result;
}

/**
 * Which factor of a split axis leaves most to choose from: the channels at the same place along it are tied, and it
 * is the only one that may shrink. The first of equals: whole parts rather than places in them.
 * @param classes for each index of the axis what is tied already, compact numbers from 0
 */
export function finestFactor(classes: Int32Array, classCount: number, sizes: readonly number[]): number {
  const units = unitsByFactor(classes, classCount, sizes);
  return units.indexOf(Math.max(...units));
}

/** For each factor of a split axis how many units are left if it is the one that may shrink; see `finestFactor`. */
export function unitsByFactor(classes: Int32Array, classCount: number, sizes: readonly number[]): number[] {
  return sizes.map((size, position) => classesAfter(classes, classCount, coordinates(sizes, position), size));
}

/** How many places remain separate if classes that share a place are tied. */
function classesAfter(classes: Int32Array, classCount: number, places: Int32Array, size: number): number {
  const placeOfClass = new Int32Array(classCount).fill(-1);
  const parents = Int32Array.from({ length: size }, (_, place) => place);
  const find = (place: number): number => {
    let root = place;
    while (parents[root] !== root) {
      parents[root] = parents[parents[root] as number] as number;
      root = parents[root] as number;
    }
    return root;
  };
  let count = size;
  for (let index = 0; index < classes.length; index++) {
    const own = classes[index] as number;
    const place = places[index] as number;
    const known = placeOfClass[own] as number;
    if (known < 0) {
      placeOfClass[own] = place;
      continue;
    }
    const [a, b] = [find(known), find(place)];
    if (a !== b) {
      parents[b] = a;
      count--;
    }
  }
  return count;
}
