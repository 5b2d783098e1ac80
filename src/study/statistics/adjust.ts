/** How p-values are adjusted for their number. */
export type Adjustment = 'holm' | 'bonferroni' | 'benjamini-hochberg';

/**
 * P-values adjusted for having asked as many questions as there are.
 * Holm and Bonferroni bound the chance of any false alarm, Benjamini-Hochberg the share of false ones among alarms.
 * @param ps each in [0, 1]
 * @returns in the same order, at most 1
 * @source Holm 1979; Benjamini and Hochberg 1995
 */
export function adjustPValues(ps: readonly number[], method: Adjustment): number[] {
  const n = ps.length;
  if (method === 'bonferroni') return ps.map((p) => Math.min(1, p * n));
  const order = ps.map((_, i) => i).sort((a, b) => (ps[a] as number) - (ps[b] as number));
  const adjusted = new Array<number>(n).fill(1);
  switch (method) {
    case 'holm': {
      let atLeast = 0;
      for (const [rank, i] of order.entries()) {
        atLeast = Math.max(atLeast, Math.min(1, (ps[i] as number) * (n - rank)));
        adjusted[i] = atLeast;
      }
      return adjusted;
    }
    case 'benjamini-hochberg': {
      let atMost = 1;
      for (let rank = n; rank > 0; rank--) {
        const i = order[rank - 1] as number;
        atMost = Math.min(atMost, (ps[i] as number) * (n / rank));
        adjusted[i] = atMost;
      }
      return adjusted;
    }
  }
}
