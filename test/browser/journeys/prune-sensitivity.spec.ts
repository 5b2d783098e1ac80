import { expect, test } from './lab-page.ts';

test('each group of channels is looked at alone, and ratios for a target are found, measured and kept @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(lab.button('+ Prune'));
  await lab.press(lab.button(/^Prune 50 %/));
  await page.getByRole('combobox', { name: 'Take away' }).selectOption('structured');
  // Few groups and images: what is looked at is not what this is about.
  const whole = page.getByRole('textbox', { name: 'Keep whole' });
  await whole.fill('/stem/*, /stage1/*, /exit1/*, /exit2/*, /stage4/*');
  await whole.press('Enter');
  const images = page.getByRole('spinbutton', { name: 'Images to look at' });
  await images.fill('6');
  await images.press('Enter');
  await lab.press(lab.button('Look at each group alone'));
  const isOver = page.getByText(/^All 3 groups of channels were looked at/);
  await expect(isOver).toBeVisible({ timeout: 90_000 });
  const rows = page.getByRole('list', { name: /^Groups of channels by/ }).getByRole('button');
  await expect(rows.first()).toContainText(/without \d+\.\d %: \d+\.\d % right · scores -?\d+\.\d dB/);

  // The large curve of one, and all numbers.
  await lab.press(rows.first());
  await expect(page.getByRole('img', { name: /^accuracy and MACs as channels of/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /^50\.0 %/ })).toBeVisible();
  const csv = Buffer.from((await lab.download(lab.button('CSV'))).bytes).toString();
  expect(csv).toMatch(
    /^group,operator,channels,units,units_left,share_removed,scores_db,agreement,accuracy,macs/,
  );
  await lab.press(lab.button('Show as colours'));
  await expect(page.getByRole('combobox', { name: 'colour:' })).toHaveValue('pruning');

  await lab.press(lab.button('Find ratios'));
  const found = page.getByRole('group', { name: 'Ratios found' });
  // The best so far is told before the search is over.
  await expect(found).toBeVisible({ timeout: 60_000 });
  await expect(lab.button('Find ratios')).toBeVisible({ timeout: 60_000 });
  await expect(found.getByRole('row', { name: /^MACs .* (50\.0|4\d\.\d) %/ })).toBeVisible();
  await expect(found).toContainText(
    /Seen on \d+ other images: \d+\.\d % right, .* With all channels \d+\.\d % of these \d+ images are right, so of all [\d.]+ % to [\d.]+ %/,
  );
  await lab.press(found.getByRole('button', { name: 'Add to the strategies' }));
  await lab.chooseOnly('channels for 50 % of the MACs');
  await lab.measure();
  await expect(lab.points()).toHaveCount(1);

  // What was expected stands beside what was measured, and both graphs beside each other.
  await lab.press(
    page
      .getByRole('row', { name: /^channels for 50 %/ })
      .getByRole('button')
      .first(),
  );
  await expect(page.getByText(/^median latency: [\d.]+ ms expected, [\d.]+ ms measured/)).toBeVisible();
  await expect(page.getByText(/^top-1 accuracy: [\d.]+ % expected, [\d.]+ % measured/)).toBeVisible();
  await lab.press(lab.button('Graphs before and after…'));
  const costs = page.getByRole('dialog').getByRole('table');
  await expect(costs.getByRole('row', { name: /^MACs/ })).toContainText(/0\.(5|4\d*) ×/, { timeout: 30_000 });
  await expect(costs.getByRole('row', { name: /^Latency/ })).toContainText('measured');
  await lab.closeDialog();

  // What was looked at is there after a reload, for the same number of images.
  await lab.isKept();
  await page.reload();
  await lab.press(lab.button(/^Prune /));
  await expect(isOver).toBeVisible();
  await expect(images).toHaveValue('6');
});
