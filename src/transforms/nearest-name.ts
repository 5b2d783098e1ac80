/**
 * The candidates closest to a mistyped name, best first: those that contain it or are contained in it, then
 * those within a few edits. Bounded work: long names are compared by their first 200 characters.
 * @param limit how many to return at most
 */
export function nearestNames(wanted: string, candidates: Iterable<string>, limit = 3): string[] {
  const target = simplified(wanted);
  const scored: { name: string; distance: number }[] = [];
  for (const name of candidates) {
    const candidate = simplified(name);
    const contained = target.length > 2 && (candidate.includes(target) || target.includes(candidate));
    const distance = contained
      ? Math.abs(candidate.length - target.length) / (candidate.length + target.length)
      : editDistance(target, candidate);
    if (contained || distance <= Math.max(2, target.length / 3)) scored.push({ name, distance });
  }
  scored.sort((a, b) => a.distance - b.distance);
  return scored.slice(0, limit).map(({ name }) => name);
}

/** `, perhaps "a" or "b"?`, or nothing when no candidate is near. */
export function perhaps(wanted: string, candidates: Iterable<string>): string {
  const near = nearestNames(wanted, candidates);
  return near.length === 0 ? '' : `; perhaps ${near.map((name) => JSON.stringify(name)).join(' or ')}?`;
}

function simplified(name: string): string {
  return name.slice(0, 200).toLowerCase();
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    previous = row;
  }
  return previous[b.length] as number;
}
