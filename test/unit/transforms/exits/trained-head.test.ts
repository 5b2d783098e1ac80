import { describe, expect, test } from 'vitest';
import { InputError } from '../../../../src/base/result.ts';
import { parseHeads, serialiseHeads } from '../../../../src/transforms/exits/trained-head.ts';
import { sampleModel } from '../run-variant.ts';
import { randomHead } from './heads.ts';

const head = randomHead(sampleModel('digits'), '/stage1/Relu_output_0', 3);

describe('heads.json', () => {
  test('reads back what was written, bit for bit', () => {
    expect(parseHeads(serialiseHeads([head]))).toEqual([head]);
  });

  test.each([
    ['no JSON', 'heads', () => '{'],
    ['another file', 'heads.format', () => '{"format":"paretoscope-study"}'],
    ['a list that is short', 'heads[0].weights', () => changed({ weights: [1, 2] })],
    ['text for numbers', 'heads[0].bias', () => changed({ bias: head.bias.length })],
    [
      'a broken curve',
      'heads[0].training.curve[0]',
      () => changed({ training: { ...head.training, curve: [1] } }),
    ],
  ])('refuses %s and says where', (_, where, text) => {
    try {
      parseHeads(text());
    } catch (thrown) {
      if (!(thrown instanceof InputError)) throw thrown;
      expect(thrown.failure).toMatchObject({ code: 'heads-invalid', where });
      return;
    }
    throw new Error('nothing was refused');
  });
});

function changed(fields: object): string {
  const file = JSON.parse(serialiseHeads([head]));
  Object.assign(file.heads[0], fields);
  return JSON.stringify(file);
}
