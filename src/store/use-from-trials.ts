import { useMemo } from 'react';
import { shallow } from 'zustand/shallow';
import type { Trial } from '../study/trial.ts';
import { useLab } from './lab.ts';
import type { Lab } from './slice.ts';

/**
 * What follows from the trials, anew only when its members change (of a Map, an array, an object): while a study runs,
 * trials change several times a second, and what hangs on this is not drawn again for each.
 * @param derive kept between renderings (`useCallback`), or a function of the module
 */
export function useFromTrials<T>(derive: (trials: readonly Trial[]) => T): T {
  return useLab(useMemo(() => steadySelector(derive), [derive]));
}

function steadySelector<T>(derive: (trials: readonly Trial[]) => T): (lab: Lab) => T {
  let last: { readonly trials: readonly Trial[]; readonly value: T } | null = null;
  return ({ trials }) => {
    if (last?.trials === trials) return last.value;
    const value = derive(trials);
    const unchanged = last !== null && shallow(last.value, value);
    last = { trials, value: unchanged && last ? last.value : value };
    return last.value;
  };
}
