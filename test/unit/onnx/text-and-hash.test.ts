import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmurHash128 } from '../../../src/onnx/murmur-hash.ts';
import { decodeText, encodeText } from '../../../src/onnx/text.ts';

describe('text', () => {
  it('reads valid UTF-8 as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const bytes = new TextEncoder().encode(text);
        expect(decodeText(bytes)).toBe(text);
        expect(encodeText(text)).toEqual(bytes);
      }),
    );
  });

  it('gives any bytes back, valid or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(encodeText(decodeText(bytes))).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong slash', [0xe0, 0x80, 0xaf]],
    ['a point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['an overlong point', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a cut sequence', [0x61, 0xe2, 0x82]],
  ])('gives the bytes of %s back', (_name, bytes) => {
    expect([...encodeText(decodeText(Uint8Array.from(bytes)))]).toEqual(bytes);
  });

  it('keeps names apart that differ only in invalid bytes, and a byte order mark', () => {
    expect(decodeText(Uint8Array.of(0x61, 0xff))).not.toBe(decodeText(Uint8Array.of(0x61, 0xfe)));
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });
});

describe('murmurHash128', () => {
  it.each([
    ['', '00000000000000000000000000000000'],
    ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c675d7bf66ce5e91d2c'],
    ["I will not buy this tobacconist's, it is scratched.", '9b5b7ba2ef3f7866889adeaf00f3f98e'],
  ])('of %j is the published value', (text, hash) => {
    expect(murmurHash128(new TextEncoder().encode(text))).toBe(hash);
  });

  it('changes with any single bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), fc.nat(), (bytes, pick) => {
        const changed = Uint8Array.from(bytes);
        const bit = pick % (8 * bytes.length);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(murmurHash128(changed)).not.toBe(murmurHash128(bytes));
      }),
    );
  });
});
