import { describe, expect, it } from 'vitest';
import { labelsFromCsv } from '../../../../src/data/labels.ts';
import { countLabels, filesOfShots } from '../../../../src/study/live/captured-set.ts';

const shots = [2, null, 0, 2].map((label, at) => ({
  id: String(at),
  takenAtMs: at,
  label,
  png: new Blob([Uint8Array.of(at)]),
}));

describe('captured images', () => {
  it('are read back with their labels and the names of their classes', () => {
    const { images, labelsCsv } = filesOfShots(shots, ['cat', 'dog', 'a "wild", one']);
    const paths = images.map(({ name }) => name);
    const read = labelsFromCsv(labelsCsv ?? '', 'labels.csv', paths);
    expect(read.labels).toEqual([2, null, 0, 2]);
    expect(read.classNames[0]).toBe('cat');
    expect(read.classNames[2]).toBe('a "wild", one');
    expect(new Set(paths).size).toBe(4);
  });

  it('lie in a folder of their class, whatever it is called', () => {
    const names = ['crane', '../up', 'crane', 'ends.', 'a/b: "c"', '4'];
    const labelled = names.map((_, label) => ({ ...shots[0]!, id: String(label), label }));
    const paths = filesOfShots(labelled, names.with(5, '5')).images.map(({ name }) => name);
    expect(paths).toEqual([
      '0 crane/shot-0001.png',
      '1 .._up/shot-0002.png',
      '2 crane/shot-0003.png',
      '3 ends_/shot-0004.png',
      '4 a_b_ _c_/shot-0005.png',
      '5/shot-0006.png',
    ]);
  });

  it('without labels are images alone', () => {
    expect(filesOfShots([{ ...shots[0]!, label: null }], []).labelsCsv).toBeNull();
  });

  it('are counted by class, those without one last', () => {
    expect(countLabels(shots)).toEqual([
      [0, 1],
      [2, 2],
      [null, 1],
    ]);
  });
});
