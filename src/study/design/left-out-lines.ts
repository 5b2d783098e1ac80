import { unreachable } from '../../base/assert.ts';
import type { CellState, PlannedCell } from './excluded-cells.ts';

/** Names that are told before the others are counted only. */
const MOST_NAMES = 8;

type Impossible = Extract<CellState, { readonly kind: 'impossible' }>;

/** Which cells of a plan are impossible and why, a line for each sort of reason, in order of their first cells. */
export function leftOutLines(cells: readonly PlannedCell[]): readonly string[] {
  const groups = new Map<string, { cells: PlannedCell['cell'][]; state: Impossible }>();
  for (const { cell, state } of cells) {
    if (state.kind !== 'impossible') continue;
    const key = JSON.stringify(state.sort ?? state.reason);
    const group = groups.get(key);
    if (group) group.cells.push(cell);
    else groups.set(key, { cells: [cell], state });
  }
  return [...groups.values()].map(({ cells: alike, state }) => {
    const count = `${alike.length} ${alike.length === 1 ? 'cell is' : 'cells are'} left out`;
    return `${count}: ${alike.length === 1 ? state.reason : reasonOf(state, alike)}.`;
  });
}

/** Why all of these are impossible. */
function reasonOf({ reason, sort }: Impossible, cells: readonly PlannedCell['cell'][]): string {
  if (sort === undefined) return reason;
  const recipes = named(cells.map(({ recipe }) => recipe.name));
  switch (sort.is) {
    case 'made-for-another':
      return `their recipes were made for other models (${recipes})`;
    case 'same-as-another':
      return `they are the same as others (${recipes})`;
    case 'parts': {
      const placements = named(cells.flatMap(({ placement }) => placement?.name ?? []));
      return `a placement for ${sort.taken} (${placements}) cannot hold ${sort.had} ${sort.had === 1 ? 'part' : 'parts'} (${recipes})`;
    }
    default:
      return unreachable(sort);
  }
}

/** Each once; of many the first. */
function named(names: readonly string[]): string {
  const all = [...new Set(names)];
  const more = all.length > MOST_NAMES ? ` and ${all.length - MOST_NAMES} more` : '';
  return `${all.slice(0, MOST_NAMES).join(', ')}${more}`;
}
