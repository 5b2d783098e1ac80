import { expect, readCsv, test, textOf } from './lab-page.ts';

test('a quantized trial is judged by classes, changed images and layers', async ({ lab, page }) => {
  await lab.visit();
  await lab.show('Recipe');
  await lab.press(lab.button('More about this recipe'));
  await lab.press(page.getByRole('menuitem', { name: /^Edit as JSON/ }));
  const recipe = [
    { op: 'quantize', mode: 'static', samples: 16 },
    { op: 'early-exit', kind: 'existing', exit: 0 },
  ];
  await page.getByRole('textbox', { name: 'Recipe as JSON' }).fill(JSON.stringify(recipe));
  await lab.press(lab.button('Apply'));
  await lab.press(lab.button('Add to study'));
  await lab.show('Run');
  const added = page.getByRole('checkbox', { name: /^Measure .*static/ });
  const name = ((await added.getAttribute('aria-label')) ?? '').replace('Measure ', '');
  await lab.chooseOnly('identity', name);
  await lab.measure();
  await lab.show('Front');
  await lab.press(page.getByRole('table').getByRole('button', { name, exact: true }));
  await lab.show('Front');
  await lab.press(lab.button('Classes, changed images, layers…'));
  const dialog = page.getByRole('dialog', { name: `Quality of ${name}` });

  // Ten digits, each before and after.
  await expect(dialog.getByLabel('Compared with')).toHaveValue(/./);
  await expect(dialog.getByRole('row')).toHaveCount(11);
  const classes = readCsv(textOf(await lab.download(dialog.getByRole('button', { name: 'classes.csv' }))));
  const sum = (column: string) => classes.reduce((total, row) => total + Number(row.get(column)), 0);
  expect(sum('right_before')).toBeGreaterThan(sum('right_after'));

  const images = dialog.getByRole('tab', { name: /^Changed/ });
  const changed = Number(/\((\d+)\)/.exec((await images.textContent()) ?? '')?.[1]);
  expect(changed).toBeGreaterThan(0);
  await lab.press(images);
  const first = dialog.getByRole('listitem').getByRole('button').first();
  await expect(first).toHaveText(/^\d → \d\d+ % → \d+ % · exit 1(lost|won|wrong): \d$/);
  await lab.press(first);
  await expect(dialog.getByRole('button', { name: 'Close the picture' })).toBeVisible();

  // What follows is the same at any size, by mouse and by thumb.
  if (lab.isPhone) return;

  await lab.press(dialog.getByRole('tab', { name: 'Layers' }));
  await dialog.getByRole('combobox', { name: 'Images' }).selectOption('8');
  await lab.press(dialog.getByRole('button', { name: 'Compare the layers' }));
  const values = dialog.getByRole('button', { name: /^Histograms of .*dB$/ });
  await expect(values.first()).toBeVisible({ timeout: 60_000 });
  const layers = readCsv(textOf(await lab.download(dialog.getByRole('button', { name: 'layers.csv' }))));
  expect(new Set(layers.map((row) => row.get('kind')))).toEqual(new Set(['value', 'weight']));
  for (const row of layers) expect(Number(row.get('sqnr_db'))).toBeGreaterThan(5);
  await lab.press(values.first());
  await expect(dialog.getByRole('img', { name: /8 bits hold/ })).toBeVisible({ timeout: 30_000 });

  await lab.press(dialog.getByRole('button', { name: 'Show as colours on the graph' }));
  await expect(page.getByLabel('colour:')).toHaveValue('error');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});
