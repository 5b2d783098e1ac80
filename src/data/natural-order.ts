/**
 * Compares names as people count: `img2` before `img10`. The same on every device, whatever its language.
 */
export function compareNaturally(a: string, b: string): number {
  const partsA = split(a);
  const partsB = split(b);
  const shared = Math.min(partsA.length, partsB.length);
  for (let i = 0; i < shared; i++) {
    const partA = partsA[i] as string;
    const partB = partsB[i] as string;
    if (partA === partB) continue;
    const order = isDigits(partA) && isDigits(partB) ? compareNumbers(partA, partB) : 0;
    if (order !== 0) return order;
    return partA < partB ? -1 : 1;
  }
  return partsA.length - partsB.length;
}

function split(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

function isDigits(text: string): boolean {
  const first = text.charCodeAt(0);
  return first >= 48 && first <= 57;
}

/** By value, without losing digits of long numbers. */
function compareNumbers(a: string, b: string): number {
  const trimmedA = a.replace(/^0+/, '');
  const trimmedB = b.replace(/^0+/, '');
  if (trimmedA.length !== trimmedB.length) return trimmedA.length - trimmedB.length;
  return trimmedA === trimmedB ? 0 : trimmedA < trimmedB ? -1 : 1;
}
