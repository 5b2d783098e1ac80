import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { openZip, safePath } from '../../../src/data/archive.ts';
import { crc32 } from '../../../src/data/crc32.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { fixture, fixtureBytes } from '../../fixtures/data/read.ts';

const IMAGES = ['set/cat/1.png', 'set/cat/10.png', 'set/cat/2.png', 'set/dog/a.png'];

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure.code;
    throw thrown;
  }
  return 'nothing thrown';
}

function readAll(name: string): Uint8Array[] {
  return openZip(fixture(name), name).entries.map((entry) => entry.read());
}

describe('sound archives', () => {
  test.each(['folders.zip', 'stored.zip'])('%s lists its files without folders and clutter', (name) => {
    expect(openZip(fixture(name), name).entries.map((entry) => entry.path)).toEqual([
      ...IMAGES,
      'set/readme.txt',
    ]);
  });

  test('stored and deflated entries hold the same bytes', () => {
    expect(readAll('stored.zip')).toEqual(readAll('folders.zip'));
  });

  test('archives written as a stream (sizes after the data) can be read', () => {
    const [first, second] = readAll('streamed.zip');
    expect(first?.slice(1, 4)).toEqual(new TextEncoder().encode('PNG'));
    expect(second).toEqual(first);
  });

  test('ZIP64 sizes and offsets are understood', () => {
    const { entries } = openZip(fixture('zip64.zip'), 'zip64.zip');
    expect(entries.map((entry) => entry.path)).toEqual(['z/3/a.png', 'z/5/b.png']);
    for (const entry of entries) expect(entry.read()).toHaveLength(entry.bytes);
  });

  test('an empty archive has no entries', () => {
    expect(openZip(fixture('empty.zip'), 'empty.zip').entries).toEqual([]);
  });

  test('what fflate packs comes back', () => {
    const bytes = fc.uint8Array({ maxLength: 5000 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 8 }), fc.constantFrom(0, 6), (files, level) => {
        const packed = zipSync(Object.fromEntries(files.map((file, i) => [`d/${i}`, file])), {
          level: level as 0 | 6,
        });
        const read = openZip(memorySource(packed), 'x.zip').entries.map((entry) => entry.read());
        expect(read).toEqual(files.map((file) => new Uint8Array(file)));
      }),
    );
  });
});

describe('hostile archives', () => {
  test('names that climb out are left out with a warning', () => {
    const archive = openZip(fixture('traversal.zip'), 'traversal.zip');
    expect(archive.entries.map((entry) => entry.path)).toEqual(['fine/ok.png', 'back/slash.png']);
    expect(archive.warnings).toEqual([expect.stringMatching(/left out 4 entries/)]);
  });

  test.each([
    ['ratio-bomb.zip', 'archive-too-big'],
    ['overlap.zip', 'archive-damaged'],
    ['truncated.zip', 'archive-truncated'],
    ['lying-size.zip', 'archive-damaged'],
    ['encrypted.zip', 'archive-encrypted'],
    ['bzip2.zip', 'archive-method'],
  ])('%s is refused as %s', (name, code) => {
    expect(codeOf(() => readAll(name))).toBe(code);
  });

  test('the unsupported method is named', () => {
    expect(() => readAll('bzip2.zip')).toThrow(/method 12 \(bzip2\)/);
  });

  test('limits are stated in the message', () => {
    const limits = {
      maxEntryBytes: 10,
      maxTotalBytes: 1e9,
      maxEntries: 10,
      maxRatio: 100,
      ratioFromBytes: 1e9,
    };
    expect(() => openZip(fixture('folders.zip'), 'f.zip', limits)).toThrow(/limit of 10 B/);
    expect(() => openZip(fixture('folders.zip'), 'f.zip', { ...limits, maxEntries: 2 })).toThrow(
      /limit of 2/,
    );
    const total = { ...limits, maxEntryBytes: 1e9, maxTotalBytes: 500 };
    expect(() => openZip(fixture('folders.zip'), 'f.zip', total)).toThrow(/limit of 500 B/);
  });

  test('many small bombs are one big one', () => {
    const packed = zipSync(
      Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}.bmp`, new Uint8Array(2e6)])),
    );
    expect(() => openZip(memorySource(packed), 'bombs.zip')).toThrow(
      /20.0 MB packed into .* limit of 100 times/,
    );
  });

  test('an altered byte of an entry is noticed', () => {
    const bytes = fixtureBytes('stored.zip');
    const at = Buffer.from(bytes).indexOf('IDAT') + 6;
    bytes[at] = (bytes[at] as number) ^ 1;
    const { entries } = openZip(memorySource(bytes), 'altered.zip');
    expect(codeOf(() => entries.map((entry) => entry.read()))).toBe('archive-damaged');
  });

  test('mutated archives give entries or an InputError, nothing else', () => {
    const originals = ['folders.zip', 'streamed.zip', 'zip64.zip', 'lying-size.zip'].map(fixtureBytes);
    const mutation = fc.record({
      original: fc.nat(originals.length - 1),
      edits: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      }),
      keep: fc.double({ min: 0.2, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(mutation, ({ original, edits, keep }) => {
        const bytes = (originals[original] as Uint8Array).slice();
        for (const [at, value] of edits) bytes[Math.floor(at * bytes.length)] = value;
        try {
          const cut = bytes.subarray(0, Math.ceil(keep * bytes.length));
          for (const entry of openZip(memorySource(cut), 'mutated.zip').entries) entry.read();
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('paths are normalised or refused', () => {
  expect(safePath('a\\b//./c.png')).toBe('a/b/c.png');
  for (const bad of ['../a', 'a/../../b', '/etc/passwd', 'C:/x', 'c:\\x', 'a\0b', ''])
    expect(safePath(bad)).toBeNull();
});

test('crc32 has the check value of the CRC catalogue', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});
