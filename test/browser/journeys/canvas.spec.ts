import { expect, type Locator, type Page, test } from '@playwright/test';

test.beforeEach(async ({ page }) => {
  await page.goto('./');
  await page.getByTestId('add-cut').waitFor();
});

/** Drags by mouse or, on a phone, by thumb. */
async function drag(
  page: Page,
  from: Locator,
  byX: number,
  byY: number,
  grabbed: { readonly x: number } = { x: 24 },
): Promise<void> {
  const box = await from.boundingBox();
  if (!box) throw new Error('nothing to drag');
  const [x, y] = [box.x + grabbed.x, box.y + box.height / 2];
  const steps = 8;
  if (!test.info().project.use.hasTouch) {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + byX, y + byY, { steps });
    await page.mouse.up();
    return;
  }
  const touches = await page.context().newCDPSession(page);
  const at = (type: string, touchPoints: { x: number; y: number }[]) =>
    touches.send('Input.dispatchTouchEvent', { type: type as 'touchMove', touchPoints });
  await at('touchStart', [{ x, y }]);
  for (let i = 1; i <= steps; i++)
    await at('touchMove', [{ x: x + (byX * i) / steps, y: y + (byY * i) / steps }]);
  await at('touchEnd', []);
  await touches.detach();
}

function viewportOf(page: Page): Promise<string> {
  return page.locator('.react-flow__viewport').evaluate((viewport) => viewport.style.transform);
}

async function placeOf(handle: Locator): Promise<number> {
  return Number(await handle.getAttribute('aria-valuenow'));
}

/** A key's or a drag's effect is there a moment after it. */
async function isAt(handle: Locator, place: number): Promise<void> {
  await expect(handle).toHaveAttribute('aria-valuenow', String(place));
}

/** Which tags on the graph cover each other. */
function coveredTags(page: Page): Promise<readonly string[]> {
  return page.locator('[data-tag]').evaluateAll((tags) => {
    const boxes = tags.map((tag) => ({ text: tag.textContent, box: tag.getBoundingClientRect() }));
    return boxes.flatMap(({ text, box: a }, at) =>
      boxes.slice(0, at).flatMap(({ text: other, box: b }) => {
        const isApart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
        return isApart ? [] : [`${text} covers ${other}`];
      }),
    );
  });
}

test('a cut is dragged along the graph, tells what crosses, and is one step to undo', async ({ page }) => {
  await page.getByTestId('add-cut').click();
  const cut = page.getByTestId('cut-handle');
  await expect(cut).toBeVisible();
  const before = await placeOf(cut);
  const text = await cut.getAttribute('aria-valuetext');
  const viewport = await viewportOf(page);

  await drag(page, cut, 0, -140);
  await expect.poll(() => placeOf(cut)).toBeLessThan(before);
  expect(await cut.getAttribute('aria-valuetext')).not.toBe(text);
  await expect(cut).toContainText(/\d+ (B|kB|MB)/);
  await expect(cut).toContainText(/\d+ \| \d+ %/);
  // The graph stayed where it was.
  expect(await viewportOf(page)).toBe(viewport);

  await page.keyboard.press('Control+z');
  await isAt(cut, before);
  await page.keyboard.press('Control+z');
  await expect(cut).toHaveCount(0);
});

test('a cut is dragged from the palette onto the graph', async ({ page }) => {
  await drag(page, page.getByTestId('add-cut'), 30, 260);
  const cut = page.getByTestId('cut-handle');
  await expect(cut).toBeVisible();
  await page.keyboard.press('Control+z');
  await expect(cut).toHaveCount(0);

  await drag(page, page.getByTestId('add-cut'), 30, 260);
  await expect(cut).toBeVisible();
  await drag(page, cut, 0, -60);
  // One press takes it away: the end of the handle's drag is not taken for one of the button.
  await page.getByTestId('add-cut').click();
  await expect(cut).toHaveCount(0);
});

test('the keyboard moves a cut, drops it, takes it back and removes it @desktop', async ({ page }) => {
  await page.getByTestId('add-cut').click();
  const cut = page.getByTestId('cut-handle');
  const start = await placeOf(cut);
  await cut.focus();
  await page.keyboard.press('ArrowUp');
  await isAt(cut, start - 1);
  // On its way the cut tells what every placement would take: a guess until this device is profiled.
  for (const placement of ['mobile → edge', 'edge → cloud', 'mobile → cloud'])
    await expect(page.getByTestId('drag-card')).toContainText(new RegExp(`${placement}≈ [\\d.]+ m?s`));
  await page.keyboard.press('ArrowUp');
  await isAt(cut, start - 2);
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('drag-card')).toHaveCount(0);
  await isAt(cut, start);
  await page.keyboard.press('Home');
  await isAt(cut, 1);
  await page.keyboard.press('PageDown');
  await expect.poll(() => placeOf(cut)).toBeGreaterThan(1);
  const moved = await placeOf(cut);
  await page.keyboard.press('Enter');
  await isAt(cut, moved);
  await page.keyboard.press('Control+z');
  await isAt(cut, start);
  await cut.focus();
  await page.keyboard.press('Delete');
  await expect(cut).toHaveCount(0);
});

test('exits are switched on the graph, and a fixed exit is dragged from one to the next', async ({
  page,
}) => {
  const first = page.getByTestId('exit-0');
  await expect(first).toHaveAttribute('aria-checked', 'false');
  await first.click();
  await expect(first).toHaveAttribute('aria-checked', 'true');
  await expect(page.getByTestId('exit-1')).toHaveAttribute('aria-checked', 'false');
  await first.click();
  await expect(first).toHaveAttribute('aria-checked', 'false');

  await page.getByTestId('add-stop').click();
  const stop = page.getByTestId('stop-handle');
  await stop.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await isAt(stop, 1);
  await expect(first).toHaveAttribute('aria-checked', 'true');
  const gap = await page
    .getByTestId('exit-1')
    .boundingBox()
    .then(async (lower) => (lower?.y ?? 0) - ((await first.boundingBox())?.y ?? 0));
  await drag(page, stop, 0, gap);
  await isAt(stop, 2);

  // Beside a cut, at any zoom, every tag can be read.
  await page.getByTestId('add-cut').click();
  await expect(page.getByTestId('cut-handle')).toBeVisible();
  for (let zoomedOut = 0; zoomedOut < 4; zoomedOut++) {
    await expect.poll(() => coveredTags(page)).toEqual([]);
    const before = await viewportOf(page);
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await expect.poll(() => viewportOf(page)).not.toBe(before);
  }
});

test('unfolding shows every node, and the whole graph fits on the screen', async ({ page }) => {
  const fold = page.getByRole('button', { name: /unfold all/ });
  const [shown = 0, total = 0] = ((await fold.textContent()) ?? '').match(/\d+/g)?.map(Number) ?? [];
  expect(shown).toBeLessThan(total);
  await fold.click();
  await expect(page.getByRole('button', { name: /fold all/ })).toContainText(`${total} of ${total}`);
  await page.getByRole('button', { name: 'Show the whole graph' }).click();
  // From afar boxes are painted, not elements.
  await expect(page.locator('.react-flow__node')).toHaveCount(0);
});

test('a finger on the graph moves it, and two fingers zoom', { tag: '@phone' }, async ({ page }) => {
  const before = await viewportOf(page);
  await drag(page, page.locator('.react-flow__node').nth(2), 0, 60);
  const panned = await viewportOf(page);
  expect(panned).not.toBe(before);
  const zoomOf = (transform: string) => Number(/scale\((.*)\)/.exec(transform)?.[1]);
  expect(zoomOf(panned)).toBe(zoomOf(before));

  const touches = await page.context().newCDPSession(page);
  const fingers = (spread: number) => [
    { x: 180 - spread, y: 350, id: 1 },
    { x: 180 + spread, y: 350, id: 2 },
  ];
  await touches.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(30) });
  for (let spread = 36; spread <= 90; spread += 6)
    await touches.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(spread) });
  await touches.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await expect.poll(async () => zoomOf(await viewportOf(page))).toBeGreaterThan(1.2 * zoomOf(before));
});

test('what is tapped most is large enough for a thumb', { tag: '@phone' }, async ({ page }) => {
  await page.getByTestId('add-cut').click();
  const targets = [
    page.getByTestId('add-cut'),
    page.getByTestId('add-stop'),
    page.getByTestId('cut-handle'),
    page.getByRole('button', { name: 'Remove cut' }),
    page.getByRole('button', { name: 'Zoom in' }),
    page.getByRole('button', { name: /unfold all/ }),
  ];
  for (const target of targets) {
    const box = await target.boundingBox();
    expect(
      Math.min(box?.width ?? 0, box?.height ?? 0),
      await target.textContent().then(String),
    ).toBeGreaterThanOrEqual(44);
  }
});

test.describe('on a model with branches', () => {
  test.beforeEach(async ({ page }) => {
    await page.locator('header button').first().click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /shufflenet/i })
      .click();
    await expect(page.getByTestId('graph-canvas')).toHaveAttribute('data-model', /shufflenet/);
    await page.getByTestId('add-cut').click();
  });

  test('the lab places the cut, dragging takes it back, and a second cut stays behind the first', async ({
    page,
  }) => {
    const cut = page.getByTestId('cut-handle').first();
    const chooser = page.getByRole('group', { name: 'Place of the cut' });
    const text = () => cut.getAttribute('aria-valuetext');
    await chooser.getByRole('button', { name: 'equal' }).click();
    await expect.poll(text).toMatch(/^equal size · /);
    await chooser.getByRole('button', { name: 'fewest' }).click();
    await expect.poll(text).toMatch(/^fewest bytes · /);
    await chooser.getByRole('button', { name: 'fastest' }).click();
    await expect.poll(text).toMatch(/^fastest · /);
    await chooser.getByRole('button', { name: 'drag' }).click();
    await expect.poll(text).toMatch(/^\d/);

    await page.getByTestId('second-cut').click();
    const handles = page.getByTestId('cut-handle');
    await expect(handles).toHaveCount(2);
    // However far the first is moved, it stops before the second.
    await handles.first().focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await expect(handles).toHaveCount(2);
    const [first, second] = [await placeOf(handles.first()), await placeOf(handles.nth(1))];
    expect(first).toBeLessThan(second);
    await page.getByTestId('second-cut').click();
    await expect(handles).toHaveCount(1);
  });

  test('one branch of a cut is pulled alone, by pointer and by keys', async ({ page }) => {
    await page.getByRole('button', { name: /^unfold all/ }).click();
    const cut = page.getByTestId('cut-handle');
    const knobs = page.getByTestId('branch-knob');
    await cut.focus();
    await expect
      .poll(
        async () => {
          await cut.focus();
          await page.keyboard.press('ArrowUp');
          await page.keyboard.press('Enter');
          return knobs.count();
        },
        { intervals: [100] },
      )
      .toBeGreaterThan(1);
    const crossing = async () =>
      ((await cut.getAttribute('aria-valuetext')) ?? '').split(': ')[1]?.split(', ') ?? [];
    const before = await crossing();
    const main = knobs.nth((await knobs.count()) - 1);
    const others = (after: string[]) => after.filter((value) => before.includes(value));
    await main.focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await expect.poll(crossing).not.toEqual(before);
    expect(others(await crossing())).toHaveLength(before.length - 1);
    await page.keyboard.press('Control+z');
    await expect.poll(crossing).toEqual(before);

    // By mouse or thumb, from the knob's middle.
    const box = await main.boundingBox();
    await drag(page, main, 0, -90, { x: (box?.width ?? 0) / 2 });
    await expect.poll(crossing).not.toEqual(before);
    expect(others(await crossing())).toHaveLength(before.length - 1);
  });
});
