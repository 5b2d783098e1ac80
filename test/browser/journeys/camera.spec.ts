import { expect, test } from './lab-page.ts';

test('a variant answers the camera beside the original; captured frames become images @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(lab.button(/Early exits stop/));
  await lab.showData();
  await lab.press(lab.button('Camera…'));
  const dialog = page.getByRole('dialog', { name: 'Camera' });
  await expect(dialog.getByText(/of \d+ frames alike/)).toBeVisible({ timeout: 60_000 });
  for (const name of ['the recipe', 'original'])
    await expect(dialog.getByRole('region', { name }).getByText('confidence')).toBeVisible();

  const captured = dialog.getByRole('list', { name: 'Captured images' }).getByRole('listitem');
  await dialog
    .getByRole('group', { name: 'What the images show' })
    .getByRole('button', { name: '3' })
    .click();
  await lab.press(dialog.getByRole('button', { name: 'Burst of 10' }));
  await expect(captured).toHaveCount(10, { timeout: 30_000 });
  await lab.press(dialog.getByRole('button', { name: /^Delete image 4/ }));
  await expect(captured).toHaveCount(9);
  await lab.press(dialog.getByRole('button', { name: 'Undo deleting an image' }));
  await expect(captured).toHaveCount(10);

  // A picture that stands still is answered anew by whatever is chosen, and can be kept.
  await lab.press(dialog.getByRole('button', { name: 'Pause' }));
  await lab.press(dialog.getByRole('checkbox', { name: /^Original beside/ }));
  await expect(dialog.getByRole('region', { name: 'original' })).toBeHidden();
  const recipe = dialog.getByRole('region', { name: 'the recipe' });
  await expect(recipe.getByRole('list', { name: 'Next likeliest' }).getByRole('listitem')).toHaveCount(2);
  await lab.press(dialog.getByRole('button', { name: 'Model’s view' }));
  await expect(dialog.getByRole('img', { name: 'The picture as the network sees it' })).toBeVisible();
  await lab.press(dialog.getByRole('button', { name: 'Capture as 3' }));
  await expect(captured).toHaveCount(11);
  await lab.press(dialog.getByRole('button', { name: 'Use these images' }));
  await expect(lab.notice('11 captured images are open')).toBeVisible();
  await expect(lab.button(/^Images: Camera/)).toBeVisible();
});
