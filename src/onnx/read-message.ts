import type { UnknownField } from './model.ts';
import { rememberLayout, rememberOrigin, UNKNOWN } from './origins.ts';
import { EntryKey } from './schema.ts';
import type { WireReader } from './wire-reader.ts';

/**
 * Reads the message under the cursor: `field` takes a known field and answers true, or leaves it, and it is kept as unknown.
 * Afterwards `make` builds the object, whose origin and layout are remembered.
 */
export function readMessage<T extends object>(
  reader: WireReader,
  what: string,
  field: (key: number) => boolean,
  make: (unknown: readonly UnknownField[]) => T,
): T {
  const origin = { key: reader.key, field: reader.fieldRange(), payload: reader.valueRange() };
  const layout: number[] = [];
  const unknown: UnknownField[] = [];
  const end = reader.enter(what);
  while (reader.next(end)) {
    const key = reader.key;
    const fieldStart = reader.fieldStart;
    const valueEnd = reader.valueEnd;
    if (field(key)) layout.push(key);
    else {
      layout.push(UNKNOWN);
      unknown.push({ source: reader.source, offset: fieldStart, length: valueEnd - fieldStart });
    }
  }
  const object = make(unknown);
  reader.leave();
  rememberOrigin(object, origin);
  rememberLayout(unknown, layout);
  return object;
}

/** A key and its value, as in metadata and external data. */
export function readEntry(reader: WireReader): { key: string; value: string } {
  let entryKey = '';
  let value = '';
  return readMessage(
    reader,
    'metadata',
    (key) => {
      if (key === EntryKey.key) entryKey = reader.text();
      else if (key === EntryKey.value) value = reader.text();
      else return false;
      return true;
    },
    () => ({ key: entryKey, value }),
  );
}
