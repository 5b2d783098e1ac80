import type { Graph } from './model.ts';
import { GraphKey, SparseTensorKey, TensorKey } from './schema.ts';
import { WireReader } from './wire-reader.ts';

/** Reads no more of the sparse initializer under the cursor than its name. */
export function readSparseName(reader: WireReader): string {
  let name = '';
  const end = reader.enter('sparse initializer');
  while (reader.next(end)) {
    if (reader.key !== SparseTensorKey.values) continue;
    const valuesEnd = reader.enter('values');
    while (reader.next(valuesEnd)) if (reader.key === TensorKey.name) name = reader.text();
    reader.leave();
  }
  reader.leave();
  return name;
}

/** Sparse initializers pass through as unknown fields; only their names matter, as they define values. */
export function sparseInitializerNames(graph: Graph): readonly string[] {
  const names: string[] = [];
  for (const field of graph.unknown) {
    if (field instanceof Uint8Array) continue;
    const reader = new WireReader(field.source);
    reader.seek(field.offset, field.offset + field.length);
    if (!reader.next(field.offset + field.length) || reader.key !== GraphKey.sparseInitializer) continue;
    names.push(readSparseName(reader));
  }
  return names;
}
