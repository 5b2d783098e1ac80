import { expect, test } from './lab-page.ts';

test('a step that leaves its form open gets the one that is fast here, and what forms take is kept @desktop', async ({
  lab,
  page,
}) => {
  test.slow();
  await lab.visit();
  await lab.show('Recipe');
  await lab.press(lab.button('+ Quantize'));
  await lab.press(lab.button(/^Quantize dynamic int8/));
  await page.getByRole('combobox', { name: 'How', exact: true }).selectOption('static');
  await page.getByRole('combobox', { name: 'Form', exact: true }).selectOption('auto');
  await expect(page.getByText(/layers are timed in every form/)).toBeVisible();
  await lab.press(lab.button('Add to study'));
  await lab.chooseOnly('identity', 'int8 static auto');
  await lab.measure();

  // What was written down stays open; what it became is told.
  await lab.show('Front');
  const table = page.getByRole('region', { name: 'Table of trials' });
  await lab.press(table.getByRole('button', { name: 'int8 static auto' }));
  const card = page.getByRole('region', { name: 'Chosen trial' });
  const reason = /Form "auto" is (QDQ|QOperator) .*the whole model took|float32 is faster here than/;
  await expect(card).toContainText(reason);
  await lab.show('Recipe');
  const steps = page.getByRole('list', { name: 'Steps of the recipe' });
  await expect(steps).toContainText(reason);

  await lab.isKept();
  await page.reload();
  await lab.press(lab.button(/^This device/));
  const forms = page.getByRole('region', { name: 'Which form is fast here' });
  await expect(forms.getByRole('button', { name: 'Compare again' })).toBeVisible();
  await expect(forms.getByRole('row')).toHaveCount(12);
  await expect(forms.getByRole('row', { name: /^QOperator S8S8/ })).toContainText(/\d\.\d\d/);
});
