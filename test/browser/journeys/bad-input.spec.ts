import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { makeNode } from '../../../src/onnx/attributes.ts';
import { DataType, valueName } from '../../../src/onnx/model.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { bandModel, bandPng } from '../../fixtures/bands.ts';
import { modelOf, tensorInfo } from '../../fixtures/run-onnx.ts';
import { officialBytes } from '../../unit/onnx/official-onnx.ts';
import { expect, readCsv, test, type TestFile, textOf } from './lab-page.ts';

const sample = readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url));
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/data/${name}`, import.meta.url));
const text = (content: string) => new TextEncoder().encode(content);
const node = (op: string, inputs: string[], outputs: string[]) =>
  makeNode(op, inputs.map(valueName), outputs.map(valueName));

const ends = {
  inputs: [tensorInfo('image', [1, 1, 8, 8])],
  outputs: [tensorInfo('out', [1, 1, 8, 8])],
};

/** Models that cannot be run, and what must be said of each: what it is, and what to do. */
const badModels: readonly { readonly file: TestFile; readonly told: readonly RegExp[] }[] = [
  {
    file: { name: 'cut.onnx', bytes: sample.subarray(0, sample.length / 2) },
    told: [/cut\.onnx is cut off/, /again/],
  },
  { file: { name: 'nothing.onnx', bytes: new Uint8Array() }, told: [/empty/i] },
  { file: { name: 'picture.onnx', bytes: bandPng(1) }, told: [/PNG/, /images go to/i] },
  {
    file: { name: 'page.onnx', bytes: text('<!DOCTYPE html><html><title>404</title></html>') },
    told: [/HTML page/, /download/i],
  },
  {
    file: {
      name: 'pointer.onnx',
      bytes: text('version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 97\n'),
    },
    told: [/Git LFS/, /git lfs pull/],
  },
  {
    file: {
      name: 'cycle.onnx',
      bytes: modelToBytes(
        modelOf({ nodes: [node('Add', ['image', 'b'], ['a']), node('Add', ['image', 'a'], ['b'])], ...ends }),
      ),
    },
    told: [/cycle|circle/i],
  },
  {
    file: {
      name: 'sequence.onnx',
      bytes: officialBytes('ModelProto', {
        irVersion: 8n,
        opsetImport: [{ domain: '', version: 13n }],
        graph: {
          name: 'g',
          node: [{ opType: 'SequenceConstruct', input: ['image'], output: ['all'] }],
          input: [{ name: 'image', type: tensorType([1, 3, 8, 8]) }],
          output: [
            {
              name: 'all',
              type: { value: { case: 'sequenceType', value: { elemType: tensorType([1, 3, 8, 8]) } } },
            },
          ],
        },
      }),
    },
    told: [/sequence/i],
  },
];

function tensorType(sizes: readonly number[]) {
  const dim = sizes.map((size) => ({ value: { case: 'dimValue', value: BigInt(size) } }));
  return { value: { case: 'tensorType', value: { elemType: 1, shape: { dim } } } };
}

const badImages: readonly { readonly file: TestFile; readonly told: readonly RegExp[] }[] = [
  { file: { name: 'bomb.zip', bytes: fixture('ratio-bomb.zip') }, told: [/bomb|too (big|large)|times/i] },
  { file: { name: 'overlap.zip', bytes: fixture('overlap.zip') }, told: [/overlap|bomb|too/i] },
  {
    file: { name: 'half.zip', bytes: fixture('truncated.zip') },
    told: [/its directory, at the end, is missing/, /again/],
  },
  { file: { name: 'locked.zip', bytes: fixture('encrypted.zip') }, told: [/password|encrypted/i] },
  { file: { name: 'texts.zip', bytes: fixture('no-images.zip') }, told: [/no image/i] },
  {
    file: {
      name: 'strangers.zip',
      bytes: zipSync({ 'a.png': bandPng(0), 'labels.csv': text('file,label\nb.png,1\n') }),
    },
    told: [/b\.png|no image/i],
  },
];

test('what is no model or no images is refused with what, where and what to do; everything else stays', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.chooseOnly('identity');
  await lab.measure();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(1);
  const number = await lab.points().first().getAttribute('aria-label');

  for (const { file, told } of badModels) {
    await lab.openModel(file);
    const notice = lab.notice(`${file.name} could not be opened`);
    for (const what of told) await expect(notice).toContainText(what);
    await lab.closeDialog();
    await lab.dismissNotices();
    await expect(lab.modelButton()).toContainText('digits');
  }
  for (const { file, told } of badImages) {
    await lab.openImages(file);
    const notice = lab.notice(`The images in ${file.name} could not be opened`);
    for (const what of told) await expect(notice).toContainText(what);
    await lab.closeDialog();
    await lab.dismissNotices();
  }
  await lab.showData();
  await expect(page.getByText('450 images · labels from the folders')).toBeVisible();
  await lab.closeDialog();
  await lab.show('Front');
  await expect(lab.points().first()).toHaveAttribute('aria-label', number ?? '');

  // Names that lead out of the archive stay names.
  await lab.openImages({ name: 'traversal.zip', bytes: fixture('traversal.zip') });
  await lab.showData();
  await expect(page.getByText(/^\d+ images? · /)).toBeVisible();
  await lab.closeDialog();
});

test('images that do not fit the model are told before anything is measured', async ({ lab, page }) => {
  await lab.visit();
  // Five classes, and the sample's labels go up to nine.
  await lab.openModel({ name: 'five.onnx', bytes: bandModel(5) });
  await expect(lab.modelButton()).toContainText('five');
  await lab.show('Run');
  await lab.press(lab.measureButton());
  const refused = lab.notice('Nothing can be measured yet');
  await expect(refused).toContainText('five.onnx has the classes 0 to 4');
  await expect(refused).toContainText('Choose images for this model');
  await lab.dismissNotices();
  await lab.showData();
  await expect(page.getByRole('alert')).toContainText('classes 0 to 4');
  await lab.closeDialog();

  // A model of words: it says so when it opens, at the button, and where the images are.
  const words = modelOf({
    nodes: [node('Identity', ['words_in'], ['words_out'])],
    inputs: [tensorInfo('words_in', [1, 128], DataType.string)],
    outputs: [tensorInfo('words_out', [1, 128], DataType.string)],
  });
  await lab.openModel({ name: 'words.onnx', bytes: modelToBytes(words) });
  await expect(lab.modelButton()).toContainText('words');
  await expect(lab.notice('words.onnx can be transformed, but not measured')).toContainText('words_in');
  await lab.dismissNotices();
  await lab.show('Run');
  await expect(lab.measureButton()).toHaveAttribute('aria-disabled', 'true');
  await expect(lab.measureButton()).toHaveAccessibleDescription(/words_in is of type string/);
  await lab.measureButton().focus();
  await expect(lab.measureButton()).toBeFocused();
  await lab.showData();
  await expect(page.getByRole('alert')).toContainText('words_in');
  await lab.closeDialog();

  // Operators of a time to come: it can be looked at, with a warning, and the runtime's refusal is shown.
  const future = modelOf({ nodes: [node('Relu', ['image'], ['out'])], ...ends, opset: 999 });
  await lab.openModel({ name: 'future.onnx', bytes: modelToBytes(future) });
  await expect(lab.modelButton()).toContainText('future');
  await lab.press(lab.modelButton());
  await expect(page.getByRole('dialog')).toContainText('opset 999; the runtime knows up to');
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.press(lab.measureButton());
  await expect(lab.notice('The study is done')).toContainText('1 of 1 strategies failed');
  await lab.dismissNotices();
  await lab.show('Front');
  await expect(page.getByRole('cell', { name: /opset.*999|999.*opset/ })).toBeVisible();

  // A broken image among good ones costs no more than itself, and is named.
  await lab.openModel({ name: 'five.onnx', bytes: bandModel(5) });
  await expect(lab.modelButton()).toContainText('five');
  const broken = bandPng(2).slice(0, 60);
  const files = { 's/0/a.png': bandPng(0), 's/1/b.png': bandPng(1), 's/2/broken.png': broken };
  await lab.openImages({ name: 'one-broken.zip', bytes: zipSync(files) });
  await lab.showData();
  await expect(page.getByText(/^3 images/)).toBeVisible();
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.press(lab.measureButton());
  await expect(page.getByText('The study is done')).toBeVisible({ timeout: 60_000 });
  await lab.show('Front');
  await expect(page.getByRole('cell', { name: /broken\.png/ })).toBeVisible();

  // And the lab goes on.
  await lab.openModel({ name: 'digits.onnx', bytes: sample });
  await expect(lab.modelButton()).toContainText('digits');
});

const markup = '<img src=x onerror="globalThis.wasHit=1">';
const hostile = {
  input: markup,
  hidden: 'hasOwnProperty',
  output: '=HYPERLINK("http://evil.example","win")',
  node: `\u202egnp.exe ${'A'.repeat(5000)}`,
};

test('names from files are text wherever they show, and harmless in spreadsheets', async ({ lab, page }) => {
  await lab.visit();
  await lab.openModel({ name: `=2+5+cmd() ${markup}.onnx`, bytes: bandModel(5, 0, hostile) });
  await expect(lab.modelButton()).toContainText(markup);
  const classes = ['__proto__', '=1+1', markup.replaceAll('/', ''), '\u202eesrever', 'constructor'];
  const files = Object.fromEntries(classes.map((name, i) => [`set/${name}/${i}.png`, bandPng(i, i)]));
  await lab.openImages({ name: '@SUM(1).zip', bytes: zipSync(files) });
  await lab.showData();
  const counts = page.getByRole('list', { name: 'Images of each class' });
  for (const name of classes) await expect(counts).toContainText(name);
  await checkNothingBroke();
  await lab.closeDialog();

  // The graph, the search and the details.
  await lab.show('Graph');
  await lab.press(lab.button('Search the graph'));
  await page.getByRole('textbox', { name: 'Name, operator or value' }).fill('hasOwn');
  await expect(page.getByText(/1 of \d/)).toBeVisible();
  await lab.press(lab.button('End the search'));
  await checkNothingBroke();
  await lab.press(lab.modelButton());
  await expect(page.getByRole('dialog')).toContainText(hostile.output);
  await checkNothingBroke();
  await lab.closeDialog();

  // A cut at a value with such a name, run, and brought home.
  await lab.show('Run');
  const first = page.getByRole('button', { name: /^More about identity/ });
  await lab.press(first);
  await lab.press(page.getByRole('menuitem', { name: 'Rename' }));
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('-3+cmd|calc');
  await page.keyboard.press('Enter');
  await lab.measure();
  await lab.show('Front');
  await checkNothingBroke();
  const take = async (name: string) =>
    textOf(await lab.download(page.getByRole('button', { name, exact: true })));
  const raw = await take('trials.csv');
  const rows = readCsv(raw);
  expect(rows.length).toBeGreaterThan(2);
  for (const row of rows) {
    expect(row.get('state'), row.get('failure')).toBe('done');
    expect(row.get('model')).toBe(`'=2+5+cmd() ${markup}.onnx`);
    expect(row.get('dataset')).toMatch(/^'@SUM/);
  }
  expect(rows.map((row) => row.get('strategy'))).toContain("'-3+cmd|calc");
  // Nothing that is no number begins like a formula.
  const cells = [...rows, ...readCsv(await take('samples.csv'))].flatMap((row) => [...row.values()]);
  expect(cells.filter((cell) => /^[=+\-@]/.test(cell) && !Number.isFinite(Number(cell)))).toEqual([]);
  const study = await take('study.json');
  const svg = await take('SVG');
  expect(svg).not.toContain('<img');
  await lab.pick(lab.button('Open a study.json'), [{ name: 'study.json', bytes: text(study) }]);
  await checkNothingBroke();

  async function checkNothingBroke() {
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.evaluate(() => 'wasHit' in globalThis)).toBe(false);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, 'long names do not push the page wide').toBeLessThanOrEqual(0);
  }
});
