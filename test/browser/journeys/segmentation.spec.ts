import { zipSync } from 'fflate';
import {
  noClass,
  threeGreysFiles,
  threeGreysMask,
  threeGreysModel,
} from '../../fixtures/segmentation/three-greys.ts';
import { expect, readCsv, test, textOf } from './lab-page.ts';

const images = 6;

/** Pixels of a class in all masks. */
const pixelsOf = (label: number): number =>
  Array.from({ length: images }, (_, image) => threeGreysMask(image)).reduce(
    (sum, mask) => sum + mask.filter((each) => each === label).length,
    0,
  );

test('a model that names the class of every pixel is judged by masks @phone', async ({ lab, page }) => {
  await lab.visit();
  await lab.openModel({ name: 'greys.onnx', bytes: threeGreysModel() });
  await lab.showData();
  await lab.openImages({ name: 'greys.zip', bytes: zipSync(threeGreysFiles(images)) });
  await expect(page.getByText('6 images · labels from masks')).toBeVisible();
  await expect(page.getByText('6 images with masks of the classes 0–2, 255')).toBeVisible();
  await expect(page.getByLabel('Class in masks that means none')).toHaveValue(String(noClass));

  await lab.show('Run');
  const added = page.getByRole('checkbox', { name: /^Measure prune weights 50%/ });
  const name = ((await added.getAttribute('aria-label')) ?? '').replace('Measure ', '');
  await lab.chooseOnly('identity', name);
  await lab.measure();

  await lab.show('Front');
  await lab.press(page.getByRole('table').getByRole('button', { name, exact: true }));
  await lab.show('Front');
  await lab.press(lab.button('Classes, changed images, layers…'));
  const dialog = page.getByRole('dialog', { name: `Quality of ${name}` });
  const [dark, grey, bright] = [0, 1, 2].map(pixelsOf) as [number, number, number];
  const all = dark + grey + bright;
  const miou = (1 + 0 + bright / (bright + grey)) / 3;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  await expect(
    dialog.getByText(`mean IoU ${percent(miou)}, ${percent((dark + bright) / all)} of the pixels right`),
  ).toBeVisible();
  const classes = readCsv(textOf(await lab.download(dialog.getByRole('button', { name: 'class-iou.csv' }))));
  expect(classes.map((row) => Number(row.get('iou_before')))).toEqual([1, 1, 1]);
  const after = classes.map((row) => Number(row.get('iou_after')));
  expect(after[1]).toBe(0);
  expect(after.reduce((sum, iou) => sum + iou, 0) / 3).toBeCloseTo(miou, 9);

  await lab.press(dialog.getByRole('tab', { name: 'Images' }));
  const picture = dialog.getByRole('img', { name: /^images\/\d\.png with masks$/ });
  await expect(picture).toBeVisible();
  await dialog.getByLabel('Right').selectOption({ label: 'what changed' });
  await dialog.getByLabel('Left').selectOption({ label: 'label' });
  await dialog.getByLabel('Line between them').fill('0');
  // Grey became bright (2), which is in the colour of class 2; elsewhere the image is seen.
  await expect
    .poll(() =>
      picture
        .locator('canvas')
        .last()
        .evaluate((canvas: HTMLCanvasElement) => {
          const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, 16, 1);
          return [2, 7, 12].map((column) => data[4 * column + 3]);
        }),
    )
    .toEqual([0, 255, 0]);
  await expect(dialog.getByRole('list', { name: 'Classes in this image' }).getByRole('listitem')).toHaveText([
    'class 2',
    'class 0',
    'class 1',
  ]);
});
