import { expect, test } from 'vitest';
import {
  changeOf,
  changesSeenBefore,
  changesText,
  graphChanges,
  shapeChanges,
} from '../../../src/canvas/graph-changes.ts';
import { openModelArgument } from '../../../src/cli/open-model-argument.ts';
import type { ValueName } from '../../../src/onnx/model.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { analyseModel } from '../../../src/transforms/analyse-model.ts';
import { applyRecipe } from '../../../src/transforms/apply-recipe.ts';
import { quantizeDynamic } from '../../../src/transforms/quantize/dynamic.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { viewOf } from './views.ts';

const before = viewOf('sample');

const { model } = openModelArgument('sample');

function changed(recipe: Recipe) {
  const { analysed } = applyRecipe(analyseModel(model), recipe, 'build', new Map());
  const made = recipe.some(({ op }) => op === 'quantize')
    ? quantizeDynamic(model, { weights: 'u8', perChannel: false }).model
    : analysed.model;
  const after = buildGraphView(made, { modelId: 'after', fileName: 'after', fileBytes: 0 });
  return { after, ...graphChanges(before, after, recipe) };
}

test('the model as it is has no changes', () => {
  const { nodes, gone, after } = changed([]);
  expect(nodes.every((change) => change === 'same')).toBe(true);
  expect(gone).toBe(0);
  expect(changesText({ nodes, gone }, after, 1)).toBe(`Nodes: ${before.nodes.length} as before`);
});

test('quantizing adds nodes and changes those whose values they make; the others stay', () => {
  const { after, nodes, gone } = changed([{ op: 'quantize', mode: 'dynamic' }]);
  for (const [at, { opType }] of after.nodes.entries()) {
    if (opType === 'ConvInteger' || opType === 'DynamicQuantizeLinear') expect(nodes[at]).toBe('new');
    if (opType === 'GlobalAveragePool') expect(nodes[at]).toBe('same');
  }
  expect(nodes).toContain('changed');
  expect(gone).toBe(0);
});

test('pruning changes what holds weights and nothing else', () => {
  const { after, nodes } = changed([{ op: 'prune', kind: 'unstructured', ratio: 0.5 }]);
  expect(nodes).toEqual(
    after.nodes.map(({ opType }) => (['Conv', 'Gemm'].includes(opType) ? 'changed' : 'same')),
  );
});

test('behind skipped blocks one node reads another value, and the blocks are gone', () => {
  const { after, nodes, gone } = changed([{ op: 'early-exit', kind: 'skip', blocks: 1 }]);
  expect(gone).toBe(before.nodes.length - after.nodes.length);
  expect(gone).toBeGreaterThan(0);
  expect(nodes).not.toContain('new');
  expect(nodes).toContain('changed');
  expect(changesText({ nodes, gone }, after, 1)).toMatch(
    /^Nodes: \d+ changed · \d+ as before · \d+ of the original/,
  );
});

test('a box is new if all in it is, changed if anything is', () => {
  expect(changeOf([])).toBe('same');
  expect(changeOf(['same', 'same'])).toBe('same');
  expect(changeOf(['new', 'new'])).toBe('new');
  expect(changeOf(['new', 'same'])).toBe('changed');
});

test('values with another shape are told with both, and what an earlier exit leaves out is gone', () => {
  const half: Recipe = [{ op: 'prune', kind: 'structured', ratio: 0.5 }];
  const narrow = changed(half);
  const shapes = shapeChanges(before, narrow.after);
  const [conv] = narrow.after.nodes;
  expect(shapes.get(conv?.outputs[0] as ValueName)).toBe('(16 → 8)×16×16');
  for (const output of before.outputs) expect(shapes.has(output)).toBe(false);
  expect(narrow.nodes[0]).toBe('changed');

  const early: Recipe = [{ op: 'early-exit', kind: 'existing', exit: 0 }];
  const cut = changed(early);
  const seen = changesSeenBefore(before, cut.after, early, []);
  expect(seen.filter((change) => change === 'gone')).toHaveLength(cut.gone);
  expect(changeOf(['gone', 'gone'])).toBe('gone');
});

test('of two recipes only what they do not share is a change', () => {
  const half: Recipe = [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }];
  const { after } = changed(half);
  expect(graphChanges(after, after, half, half).nodes).not.toContain('changed');
  expect(graphChanges(before, after, half, []).nodes).toContain('changed');
});
