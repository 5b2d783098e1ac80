import AxeBuilder from '@axe-core/playwright';
import { expect, test } from './lab-page.ts';

test('a fixed exit fades what it cuts away and tells what the variant costs', async ({ lab, page }) => {
  await lab.visit();
  const face = (title: string) =>
    page.getByTestId('graph-canvas').locator('[data-kind=block]').filter({ hasText: title });
  await expect(face('block 2')).toBeVisible();
  await expect(page.locator('[data-kind][data-away]')).toHaveCount(0);
  const numbers = page.getByText(/this variant: /);
  await expect(numbers).toHaveCount(0);

  await lab.press(lab.button('fixed exit'));
  // It lands on the exit nearest to the middle of what is in sight.
  const first = page.getByRole('switch', { name: /^Exit 1/ });
  if ((await first.getAttribute('aria-checked')) !== 'true') await lab.press(first);
  await expect(face('block 1')).not.toHaveAttribute('data-away');
  for (const title of ['block 2', 'block 3']) await expect(face(title)).toHaveAttribute('data-away');
  await expect(page.getByTestId('exit-1').locator('..')).toHaveAttribute('data-away');
  await expect(page.getByTestId('exit-0').locator('..')).not.toHaveAttribute('data-away');
  await expect(numbers).toContainText(/this variant: 1\.\d+ M of 1\d\.\d M MACs/);
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true)
    .include('[data-testid=graph-canvas]')
    .analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);

  await lab.press(lab.button('Remove fixed exit'));
  await expect(numbers).toHaveCount(0);
  await lab.press(lab.button(/^early exits$/));
  await expect(numbers).toContainText(/this variant: 1\.\d+ M to 1\d\.\d M of 1\d\.\d M MACs/);
  await expect(page.locator('[data-kind][data-away]')).toHaveCount(0);
});
