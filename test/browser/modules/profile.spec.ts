import { expect, test } from '@playwright/test';
import { openBlankPage, runInPage } from './in-page.ts';
import type * as Scenarios from './profile-scenarios.ts';

const path = '/profile-scenarios.js';

test.beforeEach(({ page }) => openBlankPage(page));

test('the runtime tells what each node of a model takes', async ({ page }) => {
  const profile = await runInPage<typeof Scenarios, 'profileOf'>(
    page,
    path,
    'profileOf',
    '/samples/zoo/mobilenet_v2.onnx',
    1,
  );
  expect(profile.source).toBe('measured');
  expect(profile.imageBytes).toBe(3 * 224 * 224);
  expect(profile.preprocessMs).toBeGreaterThan(0);
  const total = profile.nodes.reduce((sum, { ms }) => sum + ms, 0);
  expect(total).toBeGreaterThan(0);
  // Every convolution is found under its own name, and together they are most of the work.
  const convolutions = profile.nodes.filter(({ opType }) => opType === 'Conv');
  expect(convolutions.length).toBeGreaterThan(40);
  expect(convolutions.every(({ ms }) => ms > 0)).toBe(true);
  expect(convolutions.reduce((sum, { ms }) => sum + ms, 0) / total).toBeGreaterThan(0.6);
  // Nothing has gone to the wrong node: no single one takes most of the time.
  expect(Math.max(...profile.nodes.map(({ ms }) => ms)) / total).toBeLessThan(0.4);
  // The runtime names all its nodes of this model after the graph's, and activations share in what they are fused with.
  expect(profile.guessedShare).toBe(0);
  expect(profile.betweenNodesShare).toBeLessThan(0.9);
  expect(profile.runs).toBeGreaterThanOrEqual(5);
  expect(profile.nodes.every(({ opType, ms }) => opType !== 'Clip' || ms > 0)).toBe(true);
  expect(profile.steps.slice(0, 3)).toEqual(['preparing', 'loading', 'running']);
  expect(profile.cancelled).toBe('cancelled');
});

test('two variants are told apart by operator and block, several segments and integer kernels included', async ({
  page,
}) => {
  const { operators, blocks, outside, total } = await runInPage<typeof Scenarios, 'explained'>(
    page,
    path,
    'explained',
    [
      { op: 'quantize', mode: 'dynamic' },
      { op: 'early-exit', kind: 'existing', threshold: 1 },
    ],
  );
  const conv = operators.find(({ part }) => part === 'Conv');
  expect(conv?.provider).toBe('CPU');
  expect(conv?.kernelsAfter).toEqual(['ConvInteger']);
  expect(operators.find(({ part }) => part === 'DynamicQuantizeLinear')?.beforeMs).toBe(0);
  // No exit is taken: what was profiled are three sessions, of which each has blocks of the model.
  expect(blocks.length).toBeGreaterThan(6);
  for (const { part, beforeMs, afterMs } of blocks) expect(beforeMs * afterMs, part).toBeGreaterThan(0);
  for (const when of ['beforeMs', 'afterMs'] as const)
    expect(operators.reduce((sum, part) => sum + part[when], outside[when])).toBeCloseTo(total[when], 9);
});
