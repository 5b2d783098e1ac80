import { useState } from 'react';

/** What is being typed or dragged before it is taken over; starts afresh whenever the value behind it changes. */
export function useDraft<T>(value: T): readonly [T, (draft: T) => void] {
  const [state, setState] = useState({ value, draft: value });
  const current = Object.is(state.value, value) ? state : { value, draft: value };
  if (current !== state) setState(current);
  return [current.draft, (draft) => setState({ value, draft })];
}
