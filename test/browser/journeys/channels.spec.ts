import { expect, test } from './lab-page.ts';

test('a group of channels lights up and is given a share of its own, and before and after stand beside each other @phone', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.show('Recipe');
  await lab.press(lab.button(/^\+ Prune/));
  await lab.press(lab.button(/^Prune/));
  await page.getByLabel('Take away').selectOption('structured');
  await lab.press(lab.button('Groups on the graph'));

  // The stem makes the first group's channels, and by the sum that follows the first block does, too.
  await lab.press(lab.button('Next group'));
  const group = page.getByRole('region', { name: /^Group / });
  await expect(group).toContainText('16 → 8');
  const lit = page.locator('[data-light="makes"]');
  await expect(lit.filter({ hasText: /of \d+ lit/ })).toHaveCount(2);
  expect(await page.locator('[data-light="none"]').count()).toBeGreaterThan(0);
  await group.getByLabel('Channels removed').selectOption('0.25');
  await expect(group).toContainText('16 → 12');
  // What is lit stays so while the recipe changes.
  await expect(lit).toHaveCount(2);
  await group.getByLabel('Protect the layer').check();
  await expect(group).toContainText('protected');
  await group.getByLabel('Protect the layer').uncheck();
  await expect(group).toContainText('16 → 12');
  await lab.press(lab.button(/stay whole: why/));
  await expect(page.getByRole('region', { name: 'Groups that stay whole' })).toContainText('gives them out');
  await lab.press(lab.button(/^List all/));
  await page.getByLabel('Find a group').fill('exit2');
  const found = page.getByRole('list', { name: 'Channel groups' }).getByRole('button');
  await expect(found.first()).toContainText('exit2');
  await lab.press(found.first());
  await expect(group).toContainText('exit2');
  await lab.press(lab.button('Close the channel groups'));
  await expect(page.locator('[data-light]')).toHaveCount(0);

  await page.getByLabel('graph:').selectOption('both');
  const [before, after] = (['Before', 'After'] as const).map((name) =>
    page.getByRole('dialog').getByRole('region', { name }),
  );
  if (!before || !after) throw new Error('two sides');
  await expect(after.getByText('→').first()).toBeVisible();
  const row = page.getByRole('row', { name: /^Parameters/ });
  await expect(row).toContainText(/0\.\d+ ×/);
  const unfolded = (side: typeof before) => side.locator('[aria-expanded="true"]');
  await expect(unfolded(before)).toHaveCount(0);
  await lab.press(after.getByRole('button', { name: 'Unfold stem' }));
  await expect(unfolded(before)).toHaveCount(1);
  const places = () =>
    Promise.all([before, after].map((side) => side.locator('.react-flow__viewport').getAttribute('style')));
  await expect.poll(async () => new Set(await places()).size).toBe(1);

  // Any two: the same on both sides has nothing to mark.
  await page.getByLabel('Variant after').selectOption({ label: 'the model as it is' });
  await expect(row).toContainText('1 ×');
  await expect(page.getByRole('dialog').getByText('→')).toHaveCount(0);
  expect(lab.problems).toEqual([]);
});
