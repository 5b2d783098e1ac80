/** A nominal type over a structural one: a `ValueName` cannot be passed where a `NodeName` is wanted. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
