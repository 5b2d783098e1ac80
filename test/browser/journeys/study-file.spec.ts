import { expect, type Lab, test, textOf } from './lab-page.ts';

async function namesOfPoints(lab: Lab): Promise<string[]> {
  const labels = await lab.points().evaluateAll((all) => all.map((g) => g.getAttribute('aria-label') ?? ''));
  return labels.toSorted();
}

test('a point restores its recipe on the canvas; a study goes out of one browser and into another', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.chooseOnly('identity', 'exit 1', 'int8');
  await lab.press(lab.measureButton());
  await lab.show('Front');
  await expect(lab.points().first(), 'the front is drawn meanwhile').toBeVisible({ timeout: 60_000 });
  await lab.studyIsDone();
  const point = lab.points().filter({ has: page.locator('circle') });
  const exit = page.locator('figure g[role=button][aria-label^="exit 1:"]');
  await expect(point).toHaveCount(3);
  if (!lab.isPhone) {
    // Pointed at, its recipe is on the graph, which lets go of it when the pointer leaves.
    const stop = page.getByTestId('stop-handle');
    await exit.hover();
    await expect(stop).toBeVisible();
    await page.mouse.move(0, 0);
    await expect(stop).toHaveCount(0);
  }
  await lab.press(exit);
  await expect(exit).toHaveAttribute('aria-pressed', 'true');
  // All about it, beside another one.
  const card = page.getByRole('region', { name: 'Chosen trial' });
  for (const part of ['decode', 'prepare', 'compute', 'read the answer', 'from image to answer'])
    await expect(card).toContainText(part);
  await card.getByLabel('Compare with').selectOption('identity');
  await expect(card).toContainText(
    /exit 1 is [\d.]+ × as fast as identity|exit 1 is about as fast as identity/,
  );
  await expect(card).toContainText(/top-1 accuracy is 1\d\.\d points lower/);
  await lab.show('Graph');
  await expect(page.getByTestId('stop-handle')).toBeVisible();
  await expect(page.getByTestId('exit-0')).toHaveAttribute('aria-checked', 'true');

  // Without the mouse as well.
  await lab.show('Front');
  const int8 = page.locator('figure g[role=button][aria-label^="int8:"]');
  await int8.focus();
  await page.keyboard.press('Enter');
  await expect(int8).toHaveAttribute('aria-pressed', 'true');
  await lab.show('Recipe');
  await expect(page.getByRole('button', { name: /^Quantize dynamic int8/ })).toBeVisible();

  // What follows is the same at any size, by mouse and by thumb.
  if (lab.isPhone) return;

  const names = await namesOfPoints(lab);
  const study = await lab.download(page.getByRole('button', { name: 'study.json', exact: true }));
  const browser = await page.context().newCDPSession(page);
  // The writes under way would bring back what is being cleared.
  await page.goto('about:blank');
  await browser.send('Storage.clearDataForOrigin', {
    origin: new URL(test.info().project.use.baseURL ?? '').origin,
    storageTypes: 'all',
  });
  await lab.visit();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(0);
  await lab.pick(lab.button('Open a study.json'), [study]);
  await expect(lab.points()).toHaveCount(3);
  expect(await namesOfPoints(lab)).toEqual(names);
  const again = await lab.download(page.getByRole('button', { name: 'study.json', exact: true }));
  expect(JSON.parse(textOf(again))).toEqual(JSON.parse(textOf(study)));

  // A tap tells a part of a picture, and so do keys.
  await lab.press(page.getByRole('tab', { name: 'Pictures' }));
  const boxes = page.getByRole('figure', { name: 'Latency of each strategy' });
  const drawing = await boxes.locator('svg').boundingBox();
  if (!drawing) throw new Error('no picture');
  await lab.press(boxes.locator('svg'));
  await expect(boxes.getByText(/: median [\d.]+ ms/)).toBeVisible();
  const told = await boxes.getByText(/: median [\d.]+ ms/).textContent();
  await boxes.getByRole('application').press('ArrowDown');
  await expect(boxes.getByText(/: median [\d.]+ ms/)).not.toHaveText(told ?? '');
  const views = page.getByRole('tablist', { name: 'Views of the results' });
  await lab.press(views.getByRole('tab', { name: 'Front' }));

  // A study of another time is not overwritten by one that is broken.
  await lab.pick(lab.button('Open a study.json'), [
    { name: 'study.json', bytes: study.bytes.slice(0, study.bytes.length / 2) },
  ]);
  await expect(lab.notice('The study could not be read')).toBeVisible();
  await expect(lab.points()).toHaveCount(3);
});
