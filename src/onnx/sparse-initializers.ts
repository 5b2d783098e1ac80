import type { Graph } from './model.ts';
import { GraphKey, SparseTensorKey, TensorKey } from './schema.ts';
import { WireReader } from './wire-reader.ts';

/** Sparse initializers pass through as unknown fields; only their names matter, as they define values. */
export function sparseInitializerNames(graph: Graph): readonly string[] {
  const names: string[] = [];
  for (const field of graph.unknown) {
    if (field instanceof Uint8Array) continue;
    const reader = new WireReader(field.source);
    const end = field.offset + field.length;
    reader.seek(field.offset, end);
    if (!reader.next(end) || reader.key !== GraphKey.sparseInitializer) continue;
    const sparseEnd = reader.enter('sparse initializer');
    while (reader.next(sparseEnd)) {
      if (reader.key !== SparseTensorKey.values) continue;
      const valuesEnd = reader.enter('values');
      while (reader.next(valuesEnd)) if (reader.key === TensorKey.name) names.push(reader.text());
      reader.leave();
    }
  }
  return names;
}
