import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { classNamesOf } from '../../../src/data/class-names.ts';
import { parseClassList } from '../../../src/data/masks/class-list.ts';
import { describeMasks } from '../../../src/data/masks/describe-masks.ts';
import { readMask, readRawMask } from '../../../src/data/masks/read-mask.ts';
import { openDataset } from '../../../src/data/open-dataset.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { fromBase64 } from '../../fixtures/data/read.ts';
import { golden, type SmallGolden } from '../../fixtures/segmentation/read.ts';

const { masks } = golden<SmallGolden>('small.json');

const grey = (values: readonly number[], width: number): Uint8Array =>
  encode({ width, height: values.length / width, data: Uint8Array.from(values), channels: 1, depth: 8 });

const colour = (codes: readonly number[], width: number): Uint8Array =>
  encode({
    width,
    height: codes.length / width,
    data: Uint8Array.from(codes.flatMap((code) => [code >> 16, (code >> 8) & 255, code & 255])),
    channels: 3,
    depth: 8,
  });

const picture = colour([1, 2, 3, 4, 5, 6, 7, 8], 4);

/** Opens files as a folder, masks read. */
function open(tree: Readonly<Record<string, Uint8Array>>) {
  const { dataset, chunks } = openDataset(
    Object.entries(tree).map(([path, bytes]) => ({ path, source: memorySource(bytes) })),
    'test',
  );
  const pack = Buffer.concat(chunks);
  const bytesOf = ({ offset, length }: { offset: number; length: number }) =>
    new Uint8Array(pack.subarray(offset, offset + length));
  return { dataset: describeMasks(dataset, bytesOf), bytesOf };
}

const pairsOf = ({ dataset }: ReturnType<typeof open>): readonly (readonly [string, string | null])[] =>
  dataset.items.map(({ name, mask }) => [name, mask?.name ?? null]);

describe('reading masks', () => {
  test.each(masks)('$name: exactly the numbers that Pillow saved', ({ name, png, width, height, values }) => {
    const mask = readRawMask(fromBase64(png), name);
    expect([mask.width, mask.height]).toEqual([width, height]);
    expect([...mask.values]).toEqual(values);
  });

  test('what is no PNG, or broken, is refused by name', () => {
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1);
    expect(() => readRawMask(jpeg, 'masks/a.jpg')).toThrow(/masks\/a\.jpg.*PNG.*jpeg/);
    expect(() => readRawMask(grey([1, 2], 2).subarray(0, 40), 'masks/a.png')).toThrow(/masks\/a\.png/);
  });
});

describe('pairing masks with images', () => {
  const mask = grey([0, 1, 2, 2, 1, 0, 0, 0], 4);

  test.each([
    ['folders', 'images/a.png', 'masks/a.png'],
    ['PASCAL VOC', 'VOC/JPEGImages/a.png', 'VOC/SegmentationClass/a.png'],
    ['ADE20K', 'images/validation/a.png', 'annotations/validation/a.png'],
    ['labels beside images', 'train/images/a.png', 'train/labels/a.png'],
    ['CamVid of SegNet', 'CamVid/test/a.png', 'CamVid/testannot/a.png'],
    ['CamVid with colours', 'CamVid/val/a.png', 'CamVid/val_labels/a_L.png'],
    ['names', 'set/a.png', 'set/a_mask.png'],
    ['names of ground truth', 'a.png', 'a_gt.png'],
    ['Cityscapes', 'leftImg8bit/val/x/a_leftImg8bit.png', 'gtFine/val/x/a_gtFine_labelIds.png'],
  ])('%s', (_, image, label) => {
    const opened = open({ [image]: picture, [label]: mask });
    expect(pairsOf(opened)).toEqual([[image, label]]);
    expect(opened.dataset.labelSource).toBe('masks');
    expect(opened.dataset.masks).toEqual({ classes: [0, 1, 2], codes: null, isColoured: false });
  });

  test('images without a mask stay, and both kinds of orphans are told', () => {
    const opened = open({
      'images/a.png': picture,
      'images/b.png': picture,
      'masks/a.png': mask,
      'masks/c.png': mask,
    });
    expect(pairsOf(opened)).toEqual([
      ['images/a.png', 'masks/a.png'],
      ['images/b.png', null],
    ]);
    expect(opened.dataset.warnings.join('\n')).toMatch(/1 images without a mask.*images\/b\.png/);
    expect(opened.dataset.warnings.join('\n')).toMatch(/masks without an image.*masks\/c\.png/);
  });

  test('classes of images may be called as folders of masks are', () => {
    const { dataset } = open({ 'label/1.png': picture, 'poster/2.png': picture });
    expect(dataset.labelSource).toBe('folders');
    expect(dataset.classNames).toEqual(['label', 'poster']);
  });

  test('bytes of masks belong to what is told apart', () => {
    const [a, b] = [mask, grey([0, 1, 2, 2, 1, 0, 0, 1], 4)].map((bytes) =>
      open({ 'images/a.png': picture, 'masks/a.png': bytes }),
    );
    expect(a?.dataset.id).not.toBe(b?.dataset.id);
    const item = a?.dataset.items[0];
    expect(a?.bytesOf(item?.mask ?? { offset: 0, length: 0 })).toEqual(mask);
  });
});

describe('what masks hold', () => {
  test('0 and 255 alone are two classes', () => {
    const { dataset, bytesOf } = open({
      'images/a.png': picture,
      'masks/a.png': grey([0, 255, 255, 0, 0, 0, 0, 255], 4),
    });
    expect(dataset.masks?.classes).toEqual([0, 1]);
    const [item] = dataset.items;
    const read = readMask(
      bytesOf(item?.mask ?? { offset: 0, length: 0 }),
      'a',
      dataset.masks ?? { codes: null, isColoured: false },
    );
    expect([...read.classes]).toEqual([0, 1, 1, 0, 0, 0, 0, 1]);
  });

  test('colours become classes, black first, also in masks that happen to be grey', () => {
    const { dataset, bytesOf } = open({
      'images/a.png': picture,
      'images/b.png': picture,
      'masks/a.png': colour([0x804000, 0, 0x0000ff, 0, 0, 0, 0x808080, 0], 4),
      'masks/b.png': grey([0, 128, 128, 0, 0, 0, 0, 0], 4),
    });
    expect(dataset.masks?.codes).toEqual([0, 0x0000ff, 0x804000, 0x808080]);
    expect(dataset.warnings.join()).toContain('#804000');
    const classesOf = (at: number) => [
      ...readMask(
        bytesOf(dataset.items[at]?.mask ?? { offset: 0, length: 0 }),
        '',
        dataset.masks ?? { codes: null, isColoured: false },
      ).classes,
    ];
    expect(classesOf(0)).toEqual([2, 0, 1, 0, 0, 0, 3, 0]);
    expect(classesOf(1)).toEqual([0, 3, 3, 0, 0, 0, 0, 0]);
  });

  test('masks of other proportions are refused with both names', () => {
    const tree = { 'images/a.png': picture, 'masks/a.png': grey(Array<number>(60).fill(1), 6) };
    expect(() => open(tree)).toThrow(/masks\/a\.png is 6 x 10, its image images\/a\.png 4 x 2/);
  });

  test('masks of another size with the same proportions are taken', () => {
    const tree = { 'images/a.png': picture, 'masks/a.png': grey(Array<number>(32).fill(1), 8) };
    expect(open(tree).dataset.masks?.classes).toEqual([1]);
  });

  test('numbers and colours together, or photos, are refused', () => {
    const mixed = {
      'images/a.png': picture,
      'images/b.png': picture,
      'masks/a.png': colour([0x804000, 0, 0, 0, 0, 0, 0, 0], 4),
      'masks/b.png': grey([7, 0, 0, 0, 0, 0, 0, 0], 4),
    };
    expect(() => open(mixed)).toThrow(/masks\/a\.png holds colours, masks\/b\.png numbers/);
    const photo = colour(
      Array.from({ length: 800 }, (_, at) => at * 7919),
      40,
    );
    expect(() => open({ 'images/a.png': photo, 'masks/a.png': photo })).toThrow(
      /masks\/a\.png.*more than 256/,
    );
  });
});

describe('lists of classes', () => {
  const list = (path: string, text: string) => ({ path, bytes: new TextEncoder().encode(text) });
  const named = (names: readonly string[], colours: readonly number[] | null = null) => ({ names, colours });

  test.each([
    [
      'class_dict.csv',
      'name,r,g,b\nSky,128,128,128\nRoad, 128, 64,128\n',
      ['Sky', 'Road'],
      [0x808080, 0x804080],
    ],
    ['class_dict_seg.csv', 'name, r, g, b\nunlabeled, 0, 0, 0\n', ['unlabeled'], [0]],
    ['colours with numbers', 'id,class,red,green,blue\n1,b,0,0,9\n0,a,0,0,0\n', ['a', 'b'], [0, 9]],
    ['numbers and names alone', 'id,name\n0,a\n2,c\n', ['a', '', 'c'], null],
    ['two classes of one colour', 'name,r,g,b\na,1,1,1\nb,1,1,1\n', ['a', 'b'], null],
  ])('%s', (_, text, names, colours) => {
    expect(parseClassList(list('x.csv', text))).toEqual(named(names, colours));
  });

  test.each([
    [
      "CamVid's label_colors",
      '64 128 64\tAnimal\r\n192 0 128\tArchway\r\n',
      ['Animal', 'Archway'],
      [0x408040, 0xc00080],
    ],
    [
      "VOC's labelmap",
      '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:64,0,0::\n',
      ['background', 'cat'],
      [0, 0x400000],
    ],
    ['numbered lines', '0: road\n1: side walk\n', ['road', 'side walk'], null],
    ['one name a line', 'Animal\nArchway\n\nTraffic light\n', ['Animal', 'Archway', 'Traffic light'], null],
  ])('%s', (_, text, names, colours) => {
    expect(parseClassList(list('classes.txt', text))).toEqual(named(names, colours));
  });

  test('tables of files and labels are none, nor are classes named twice', () => {
    for (const text of [
      'filename,label,name\na.png,1,cat\n',
      'id,label\na.png,3\n',
      'name,r,g,b\na,300,0,0\n',
    ])
      expect(parseClassList(list('labels.csv', text))).toBeNull();
    expect(parseClassList(list('x.csv', 'id,name\n1,a\n1,b\n'))).toBeNull();
  });

  test('say which colour is which class; other colours have none', () => {
    const codes = [0x804080, 0x808080, 0x804080, 0x123456, 0x808080, 0x808080, 0x804080, 0x804080];
    const tree = { 'images/a.png': picture, 'masks/a.png': colour(codes, 4) };
    const dict = new TextEncoder().encode('name,r,g,b\nSky,128,128,128\nCar,64,0,128\nRoad,128,64,128\n');
    const { dataset, bytesOf } = open({ ...tree, 'class_dict.csv': dict });
    expect(dataset.classNames).toEqual(['Sky', 'Car', 'Road']);
    expect(dataset.classColours).toEqual([0x808080, 0x400080, 0x804080]);
    expect(dataset.masks?.classes).toEqual([0, 2]);
    expect(dataset.warnings).toEqual([
      'masks have 1 colour that the list of classes lacks (#123456): such pixels have no class',
    ]);
    const [item] = dataset.items;
    if (!item?.mask || !dataset.masks) throw new Error('a mask');
    expect([...readMask(bytesOf(item.mask), 'a', dataset.masks).classes]).toEqual([
      2, 0, 2, 0xffff, 0, 0, 2, 2,
    ]);
    expect(dataset.id).not.toBe(open(tree).dataset.id);
  });

  test('name classes of grey masks, whose numbers stay', () => {
    const { dataset } = open({
      'images/a.png': picture,
      'masks/a.png': grey([0, 1, 1, 0, 0, 0, 1, 1], 4),
      'classes.txt': new TextEncoder().encode('sky\nroad\n'),
      'readme.txt': new TextEncoder().encode('hello'),
    });
    expect(dataset.classNames).toEqual(['sky', 'road']);
    expect(dataset.masks).toEqual({ classes: [0, 1], codes: null, isColoured: false });
  });
});

describe('names of classes', () => {
  const view = (key: string, value: string) => ({ metadata: [{ key, value }] });

  test.each([
    ['a JSON list', 'classes', '["a","b"]'],
    ['a Python dictionary', 'names', "{0: 'a', 1: 'b'}"],
    ['a JSON object', 'names', '{"0": "a", "1": "b"}'],
    ['between commas', 'labels', 'a, b'],
  ])('come from the model: %s', (_, key, value) => {
    expect(classNamesOf({ classNames: [] }, view(key, value), 0)).toEqual(['a', 'b']);
    expect(classNamesOf({ classNames: [] }, view(key, value), 1)).toEqual(['b']);
    expect(classNamesOf({ classNames: ['own'] }, view(key, value), 0)).toEqual(['own']);
  });

  test('are none where the model says something else', () => {
    expect(classNamesOf({ classNames: [] }, view('labels', 'see the paper'), 0)).toEqual([]);
    expect(classNamesOf({ classNames: [] }, view('names', '{"a": 3}'), 0)).toEqual([]);
    expect(classNamesOf({ classNames: [] }, null, 0)).toEqual([]);
  });
});
