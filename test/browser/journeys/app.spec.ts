import { expect, test } from './lab-page.ts';

test('a box of the graph tells what is in it and has a share to prune of its own, and a search counts its matches', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(lab.button(/^stem/));
  const details = page.getByRole('complementary', { name: lab.isPhone ? 'Numbers' : 'Details' });
  await expect(details).toContainText('Parameters');
  await expect(details).toContainText('Conv');
  await lab.press(lab.button('Close the details'));

  await lab.show('Recipe');
  await lab.press(lab.button('+ Prune'));
  await lab.press(lab.button(/^Prune 50 %/));
  await lab.press(lab.button('25 %'));
  const card = lab.button(/^Prune 25 % of the weights · in each layer/);
  await expect(card).toBeVisible();
  await lab.show('Graph');
  await lab.press(lab.button(/^stem/));
  const share = details.getByRole('combobox', { name: 'Zeros here' });
  await expect(share).toHaveValue('usual');
  await share.selectOption('2:4');
  await expect(share).toHaveValue('2:4');
  await lab.press(lab.button('Close the details'));
  await lab.show('Recipe');
  await expect(card).toContainText('some with their own share');

  await lab.show('Graph');
  await lab.press(lab.button('Search the graph'));
  await page.getByRole('textbox', { name: 'Name, operator or value' }).fill('gemm');
  await expect(page.getByText(/^1 of \d/)).toBeVisible();
  await lab.press(lab.button('End the search'));
});

test('a model of the gallery opens, and the sample has its recipes back afterwards @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.show('Recipe');
  await lab.press(lab.button('+ Prune'));
  await lab.press(lab.button('Add to study'));
  await lab.press(lab.modelButton());
  await lab.press(lab.button(/^MobileNetV2/));
  await expect(lab.modelButton()).toContainText('mobilenet_v2');
  await expect(page.getByText('50 % of the weights')).toHaveCount(0);
  await lab.press(lab.modelButton());
  await expect(
    page.getByRole('dialog').getByText(/^Random weights: size and latency only, no accuracy/),
  ).toBeVisible();
  await lab.press(lab.button(/^Digits/));
  await lab.show('Recipe');
  await expect(page.getByText('50 % of the weights')).toBeVisible();
});
