import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCsv } from '../../../src/data/csv.ts';
import { labelsFromCsv, labelsFromFolders, sharedFolders } from '../../../src/data/labels.ts';
import { compareNaturally } from '../../../src/data/natural-order.ts';

describe('parseCsv', () => {
  test.each([
    ['comma', 'a,b\n1,2\n'],
    ['semicolon', 'a;b\r\n1;2'],
    ['tab and byte order mark', '\ufeffa\tb\r1\t2\r'],
  ])('%s', (_name, text) => {
    expect(parseCsv(text).map((row) => row.cells)).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
  });

  test('rows know the line they start on', () => {
    expect(parseCsv('a,b\n"x\ny",1\n\nz,2').map((row) => row.line)).toEqual([1, 2, 5]);
  });

  test('quoting any cells and reading them back is the identity', () => {
    const cell = fc.string({ maxLength: 12 }).filter((text) => !text.includes('\r'));
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(rows, (cells) => {
        const text = cells
          .map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(','))
          .join('\r\n');
        expect(parseCsv(text).map((row) => row.cells)).toEqual(cells);
      }),
    );
  });
});

describe('labels from a table', () => {
  const paths = ['img/a.png', 'img/b.png', 'img/c.png'];

  test('class indices with names', () => {
    const { labels, classNames } = labelsFromCsv(
      'filename,label,name\na.png,5,cat\nb.png,0,dog\n',
      'l.csv',
      paths,
    );
    expect(labels).toEqual([5, 0, null]);
    expect(classNames).toEqual(['dog', '1', '2', '3', '4', 'cat']);
  });

  test('class names are numbered in natural order', () => {
    const { labels, classNames } = labelsFromCsv(
      'image;class\nimg/a.png;zebra\nb;class10\nc.png;class2',
      'l.csv',
      paths,
    );
    expect(classNames).toEqual(['class2', 'class10', 'zebra']);
    expect(labels).toEqual([2, 1, 0]);
  });

  test('no header, columns the other way round', () => {
    expect(labelsFromCsv('3,a.png\n4,b.png\n5,c.png', 'l.csv', paths).labels).toEqual([3, 4, 5]);
  });

  test('a header with unknown names', () => {
    expect(labelsFromCsv('bild,klasse\na.png,1\nb.png,2', 'l.csv', paths).labels).toEqual([1, 2, null]);
  });

  test('rows and images without a partner are named', () => {
    const { warnings } = labelsFromCsv('file,label\na.png,1\nzzz.png,2', 'l.csv', paths);
    expect(warnings).toEqual([
      'l.csv: rows without an image: 1 (zzz.png)',
      'l.csv: images without a row: 2 (img/b.png, img/c.png)',
    ]);
  });

  test('a bare name that two images share decides nothing', () => {
    const twins = ['x/1.png', 'y/1.png'];
    expect(labelsFromCsv('file,label\nx/1.png,4\n1.png,9', 'l.csv', twins).labels).toEqual([4, null]);
  });

  test.each([
    ['file,label\nq.png,1', 'labels-no-match'],
    ['pixel1,pixel2\n3,4', 'labels-no-columns'],
    ['', 'labels-no-columns'],
    ['file,label\na.png,', 'labels-bad-value'],
    ['file,label\na.png,123456', 'labels-bad-value'],
  ])('%j is refused as %s', (text, code) => {
    expect(() => labelsFromCsv(text, 'l.csv', paths)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ code }) }),
    );
  });

  test('names of files and classes cannot reach object prototypes', () => {
    const hostile = ['__proto__', 'constructor', 'toString'];
    const { labels, classNames } = labelsFromCsv(
      'file,label\n__proto__,toString\nconstructor,__proto__',
      'l.csv',
      hostile,
    );
    expect(classNames).toEqual(['__proto__', 'toString']);
    expect(labels).toEqual([1, 0, null]);
  });
});

describe('labels from folders', () => {
  test('shared folders above do not count', () => {
    const found = labelsFromFolders(['data/v1/dog/1.png', 'data/v1/cat/1.png', 'data/v1/cat/deep/2.png']);
    expect(found).toMatchObject({ classNames: ['cat', 'dog'], labels: [1, 0, 0] });
  });

  test('whole numbers are the labels', () => {
    const found = labelsFromFolders(['10/a.png', '2/b.png', '0/c.png']);
    expect(found?.labels).toEqual([10, 2, 0]);
    expect(found?.classNames).toHaveLength(11);
  });

  test('numbers that mean the same are only names', () => {
    expect(labelsFromFolders(['1/a.png', '01/b.png'])?.labels.toSorted()).toEqual([0, 1]);
  });

  test('one folder is no class', () => {
    expect(labelsFromFolders(['images/a.png', 'images/b.png'])).toBeNull();
    expect(labelsFromFolders(['a.png', 'b.png'])).toBeNull();
    expect(labelsFromFolders([])).toBeNull();
  });

  test('a part of ImageNet by its identifiers is warned about', () => {
    expect(labelsFromFolders(['n01440764/a.jpg', 'n01443537/b.jpg'])?.warnings).toHaveLength(1);
  });

  test('sharedFolders counts whole folder names', () => {
    expect(sharedFolders(['a/b/1', 'a/b/2'])).toBe(2);
    expect(sharedFolders(['a/bc/1', 'a/b/2'])).toBe(1);
    expect(sharedFolders(['1', 'a/2'])).toBe(0);
  });
});

describe('compareNaturally', () => {
  test('counts', () => {
    expect(['img10', 'img9', 'img1', 'IMG', '2', '10', ''].toSorted(compareNaturally)).toEqual([
      '',
      '2',
      '10',
      'IMG',
      'img1',
      'img9',
      'img10',
    ]);
  });

  test('is an order', () => {
    const name = fc.stringMatching(/^[ab01 9]{0,6}$/);
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(compareNaturally(a, b))).toBe(-Math.sign(compareNaturally(b, a)) + 0);
        if (compareNaturally(a, b) === 0) expect(a).toBe(b);
        if (compareNaturally(a, b) < 0 && compareNaturally(b, c) < 0) {
          expect(compareNaturally(a, c)).toBeLessThan(0);
        }
      }),
    );
  });
});
