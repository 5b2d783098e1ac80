import { describe, expect, it } from 'vitest';
import { cameraFailure } from '../../../src/clients/camera.ts';

describe('why there is no picture', () => {
  it.each([
    ['insecure', 'camera-insecure', /HTTPS/],
    ['NotAllowedError', 'camera-refused', /Allow the camera/],
    ['NotFoundError', 'camera-missing', /Connect one/],
    ['OverconstrainedError', 'camera-missing', /another/],
    ['NotReadableError', 'camera-in-use', /Close what uses it/],
    ['TypeError', 'camera-failed', /video file/],
  ])('%s is told as %s, with what to do', (name, code, hint) => {
    const failure = cameraFailure(name, 'the browser’s words');
    expect(failure.code).toBe(code);
    expect(failure.hint).toMatch(hint);
  });
});
