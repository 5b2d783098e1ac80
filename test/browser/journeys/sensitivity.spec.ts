import { expect, test } from './lab-page.ts';

test('layers are quantized one by one, one is set to float by tapping it, and a mix is measured @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(lab.button('+ Quantize'));
  await lab.press(lab.button(/^Quantize dynamic/));
  const how = page.getByRole('combobox', { name: 'How', exact: true });
  await how.selectOption('static');
  // Few images: what is looked at is not what this is about.
  const images = page.getByRole('spinbutton', { name: 'Images to look at' });
  await images.fill('6');
  await images.press('Enter');
  await lab.press(lab.button('Quantize layers one by one'));
  await expect(page.getByText(/^All \d+ layers and blocks were looked at/)).toBeVisible({ timeout: 90_000 });
  const rows = page.getByRole('list', { name: 'Layers by what they lose in int8' }).getByRole('button');
  await expect(rows.first()).toContainText(/scores \d+\.\d dB · output \d+\.\d dB/);

  // The most sensitive layer, on the graph, whose colours tell the same.
  await lab.press(rows.filter({ hasText: 'Conv' }).first());
  await expect(page.getByRole('combobox', { name: 'colour:' })).toHaveValue('sensitivity');
  const details = page.getByRole('complementary', { name: 'Details of the selection' });
  const precision = details.getByRole('combobox', { name: 'Precision', exact: true });
  await expect(precision).toHaveValue('int8');
  await precision.selectOption('float32');
  await expect(lab.button(/^Quantize mixed int8, 1 float32/)).toBeVisible();
  await expect(precision).toHaveValue('float32');

  const mixes = page.getByRole('list', { name: 'Mixes found' }).getByRole('listitem');
  await expect(mixes.first()).toContainText('int8, all layers');
  const name = (await mixes.nth(1).locator('strong').textContent()) ?? '';
  await lab.press(lab.button('Only list them'));
  await lab.chooseOnly(name);
  await lab.measure();
  await expect(lab.points()).toHaveCount(1);
  await expect(mixes.nth(1)).toContainText(/measured: .* % · .*ms · .*B/);

  // What was looked at is there after a reload, for the same number of images.
  await lab.isKept();
  await page.reload();
  await lab.press(lab.button(/^Quantize mixed int8, 1 float32/));
  await expect(page.getByText(/^All \d+ layers and blocks were looked at/)).toBeVisible();
  await expect(images).toHaveValue('6');
  await expect(rows.first()).toContainText(/scores \d+\.\d dB/);
});
