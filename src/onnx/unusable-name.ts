/**
 * Whether a value of this name cannot be an output of a session: the runtime returns outputs as properties of an
 * object, where this name means the object's prototype.
 */
export function isUnusableName(name: string): boolean {
  return name === '__proto__';
}
