import { type ComponentType, lazy } from 'react';
import { attempt, type Failure } from '../../base/result.ts';
import { Problem } from './FailureText.tsx';

/**
 * A component whose script is loaded when it is first shown. Wants a `Suspense` around it.
 * @param Missing stands in its place, and says so, if the script cannot be loaded
 */
export function lazyPart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Missing: ComponentType<NoInfer<Props> & { readonly failure: Failure }> = Problem,
): ComponentType<Props> {
  return lazy(async () => {
    const loaded = await attempt(load);
    if (loaded.ok) return { default: loaded.value };
    const { failure } = loaded;
    return { default: (props: Props) => <Missing {...props} failure={failure} /> };
  });
}
