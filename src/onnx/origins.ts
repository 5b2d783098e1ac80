import type { ByteRange } from './byte-source.ts';

/**
 * Where each object of a parsed model came from. This is what makes rewriting lossless: an object nobody
 * replaced is copied from its origin, and a changed one (`{ ...node, inputs }`) keeps the order of fields of the
 * object it was made from, which it still knows through the `unknown` array that the spread carried along.
 */
export interface Origin {
  /** Tag (field number and wire type) under which the object stood in its parent; 0 for the model itself. */
  readonly key: number;
  /** Tag, length and payload. */
  readonly field: ByteRange;
  readonly payload: ByteRange;
}

/** The keys of a message's fields in file order; `UNKNOWN` for those this project does not read. */
export type Layout = readonly number[];
export const UNKNOWN = 0;

const origins = new WeakMap<object, Origin>();
const layouts = new WeakMap<object, Layout>();
const dataFields = new WeakMap<object, readonly ByteRange[]>();

export function rememberOrigin(object: object, origin: Origin): void {
  origins.set(object, origin);
}

export function originOf(object: object): Origin | undefined {
  return origins.get(object);
}

/** @param unknown the object's own `unknown` array: new for each object, so that it identifies it */
export function rememberLayout(unknown: readonly unknown[], layout: Layout): void {
  layouts.set(unknown, layout);
}

export function layoutOf(object: { readonly unknown: readonly unknown[] }): Layout | undefined {
  return layouts.get(object.unknown);
}

/** The fields (tags included) a tensor's data came from: its checksum keys and odd encodings are in there. */
export function rememberDataFields(data: object, fields: readonly ByteRange[]): void {
  dataFields.set(data, fields);
}

export function dataFieldsOf(data: object): readonly ByteRange[] | undefined {
  return dataFields.get(data);
}
