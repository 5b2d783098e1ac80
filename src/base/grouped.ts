/** Things under their keys, in order of first appearance; `Map.groupBy`, which not every browser has yet. */
export function grouped<T, K>(
  things: Iterable<T>,
  keyOf: (thing: T, at: number) => K,
): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  let at = 0;
  for (const thing of things) {
    const key = keyOf(thing, at++);
    const group = groups.get(key);
    if (group) group.push(thing);
    else groups.set(key, [thing]);
  }
  return groups;
}
