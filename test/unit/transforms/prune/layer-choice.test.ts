import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { choiceFor, type LayerChoice, withChoice } from '../../../../src/transforms/prune/layer-choice.ts';
import { isPrunable } from '../../../../src/transforms/prune/layer-sparsity.ts';
import type { UnstructuredPruneOperator } from '../../../../src/transforms/prune/prune-operator.ts';
import { sampleModel } from '../run-variant.ts';

const view = buildGraphView(sampleModel('digits'), { modelId: '', fileName: '', fileBytes: 0 });
const layers = view.nodes.filter(isPrunable);
const [first, second, third] = [layers.slice(0, 1), layers.slice(1, 2), layers.slice(2, 3)];
const operator: UnstructuredPruneOperator = { op: 'prune', kind: 'unstructured', ratio: 0.5 };

describe('a choice for a layer', () => {
  it.each<LayerChoice>(['usual', 'protected', { ratio: 0.25 }, { ratio: 0 }])(
    '%j is there once it is made, for that layer alone, and going back leaves nothing',
    (choice) => {
      const chosen = withChoice(operator, view, second, choice);
      expect(choiceFor(chosen, view, second)).toEqual(choice);
      expect(choiceFor(chosen, view, third)).toBe('usual');
      expect(withChoice(chosen, view, second, 'usual')).toEqual(operator);
    },
  );

  it('is told of several layers only where they agree', () => {
    const chosen = withChoice(operator, view, [...first, ...second], { ratio: 0.75 });
    expect(choiceFor(chosen, view, [...first, ...second])).toEqual({ ratio: 0.75 });
    expect(choiceFor(chosen, view, layers)).toBeNull();
  });

  it('wins over patterns that mean the layer, which still mean the others', () => {
    const protecting = { ...operator, protect: ['first', 'Conv'] };
    const open = withChoice(protecting, view, first, { ratio: 0.25 });
    expect(choiceFor(open, view, first)).toEqual({ ratio: 0.25 });
    expect(choiceFor(open, view, second)).toBe('protected');
    expect(open.protect).not.toContain('first');
    const ruling = { ...operator, layers: [{ nodes: ['Conv'], ratio: 0.1 }] };
    const asUsual = withChoice(ruling, view, second, 'usual');
    expect(choiceFor(asUsual, view, second)).toEqual({ ratio: 0.5 });
    expect(choiceFor(asUsual, view, third)).toEqual({ ratio: 0.1 });
  });
});

it('it can be a pattern', () => {
  const chosen = withChoice(operator, view, second, { pattern: '2:4' });
  expect(choiceFor(chosen, view, second)).toEqual({ pattern: '2:4' });
  expect(withChoice(chosen, view, second, 'usual')).toEqual(operator);
});
