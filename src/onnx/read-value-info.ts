import type { Dim, Shape, ValueInfo, ValueType } from './model.ts';
import { valueName } from './model.ts';
import { readMessage } from './read-message.ts';
import { DimKey, ShapeKey, TensorTypeKey, TypeKey, ValueInfoKey } from './schema.ts';
import type { WireReader } from './wire-reader.ts';

/** Types that pass through without being computed with. */
const OTHER_TYPES = new Map([
  [TypeKey.sequence, 'sequence'],
  [TypeKey.map, 'map'],
  [TypeKey.opaque, 'opaque'],
  [TypeKey.sparseTensor, 'sparse tensor'],
  [TypeKey.optional, 'optional'],
]);

/** Reads a value's name and type. */
export function readValueInfo(reader: WireReader, what: string): ValueInfo {
  let name = valueName('');
  let type: ValueType = { kind: 'unknown' };
  let docString = '';
  return readMessage(
    reader,
    what,
    (key) => {
      if (key === ValueInfoKey.name) name = valueName(reader.text());
      else if (key === ValueInfoKey.type) type = readType(reader);
      else if (key === ValueInfoKey.docString) docString = reader.text();
      else return false;
      return true;
    },
    (unknown) => ({ name, type, docString, unknown }),
  );
}

function readType(reader: WireReader): ValueType {
  let type: ValueType = { kind: 'unknown' };
  return readMessage(
    reader,
    'type',
    (key) => {
      const description = OTHER_TYPES.get(key);
      if (description !== undefined) type = { kind: 'other', description };
      else if (key === TypeKey.tensor) type = readTensorType(reader);
      else return false;
      return true;
    },
    () => type,
  );
}

function readTensorType(reader: WireReader): ValueType {
  let dataType = 0;
  let shape: Shape = null;
  return readMessage(
    reader,
    'tensor type',
    (key) => {
      if (key === TensorTypeKey.elementType) dataType = reader.int32();
      else if (key === TensorTypeKey.shape) shape = readShape(reader);
      else return false;
      return true;
    },
    () => ({ kind: 'tensor', dataType, shape }),
  );
}

function readShape(reader: WireReader): readonly Dim[] {
  const dims: Dim[] = [];
  return readMessage(
    reader,
    'shape',
    (key) => {
      if (key !== ShapeKey.dim) return false;
      dims.push(readDim(reader));
      return true;
    },
    () => dims,
  );
}

function readDim(reader: WireReader): Dim {
  let dim: Dim = null;
  const end = reader.enter('dimension');
  while (reader.next(end)) {
    if (reader.key === DimKey.value) {
      // Some exporters write -1 for "unknown".
      const size = reader.int64Number();
      dim = size < 0 ? null : size;
    } else if (reader.key === DimKey.parameter) {
      const symbol = reader.text();
      dim = symbol === '' ? null : symbol;
    }
  }
  reader.leave();
  return dim;
}
