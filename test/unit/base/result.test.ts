import { expect, test } from 'vitest';
import { InputError, toFailure } from '../../../src/base/result.ts';

test('what is thrown becomes data: refusals as they are, files that changed in plain words, the rest as it says', () => {
  const failure = { code: 'a', message: 'b', where: 'c', hint: 'd' };
  expect(toFailure(new InputError(failure))).toEqual(failure);
  for (const name of ['NotReadableError', 'NotFoundError']) {
    const told = toFailure(new DOMException('permission problems', name));
    expect(told.code).toBe('file-changed');
    expect(told.message).not.toContain('permission');
    expect(told.hint).toContain('Open');
  }
  expect(toFailure(new TypeError('x is not a function'))).toEqual({
    code: 'internal',
    message: 'x is not a function',
  });
  expect(toFailure(17)).toEqual({ code: 'internal', message: '17' });
});
