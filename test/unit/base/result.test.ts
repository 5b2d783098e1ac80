import { expect, test } from 'vitest';
import { failed, InputError, ok, outcomeOf, toFailure } from '../../../src/base/result.ts';

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
  for (const unloaded of [
    'Failed to fetch dynamically imported module: https://lab/assets/a.js',
    'error loading dynamically imported module: https://lab/assets/a.js',
    'Importing a module script failed.',
    'Unable to preload CSS for /assets/a.css',
  ])
    expect(toFailure(new TypeError(unloaded))).toMatchObject({
      code: 'not-loaded',
      hint: expect.stringContaining('reload'),
    });
  expect(toFailure(17)).toEqual({ code: 'internal', message: '17' });
});

test('work that tells its failures may throw others: both are told alike', async () => {
  const failure = { code: 'a', message: 'b' };
  expect(await outcomeOf(async () => ok(1))).toEqual(ok(1));
  expect(await outcomeOf(async () => failed(failure))).toEqual(failed(failure));
  expect(await outcomeOf(() => Promise.reject(new InputError(failure)))).toEqual(failed(failure));
});
