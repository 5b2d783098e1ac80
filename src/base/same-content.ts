/**
 * Whether two plain values say the same: numbers, texts, lists and objects of these, whatever the order of an object's
 * fields. A field that is undefined counts as left out.
 */
export function sameContent(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [inA, inB] = [definedFields(a), definedFields(b)];
  if (inA.size !== inB.size) return false;
  for (const [name, value] of inA) if (!inB.has(name) || !sameContent(value, inB.get(name))) return false;
  return true;
}

function definedFields(thing: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(thing).filter(([, value]) => value !== undefined));
}
