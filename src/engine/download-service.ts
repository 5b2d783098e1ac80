import { attempt, InputError } from '../base/result.ts';
import type { DownloadApi } from '../protocol/download-api.ts';

/** Progress is reported at most this often. */
const bytesPerReport = 512 * 1024;

/**
 * Downloads for the page, whose own content security policy lets it talk to its origin only: the worker
 * that runs this is served with a wider policy and does nothing else.
 */
export const downloadService: DownloadApi = {
  download: (url, onProgress) =>
    attempt(async () => {
      const address = parseAddress(url);
      const response = await fetch(address, { credentials: 'omit', referrerPolicy: 'no-referrer' }).catch(
        () => {
          throw new InputError({
            code: 'download-refused',
            message: `${address.host} could not be reached, or does not let other sites read this file`,
            where: address.href,
            hint: 'Download the file with the browser and open it from disk.',
          });
        },
      );
      if (!response.ok || response.body === null) {
        throw new InputError({
          code: 'download-failed',
          message: `${address.host} answered ${response.status} ${response.statusText}`.trim(),
          where: address.href,
          hint: 'Check the address; on code-hosting sites use the link of the raw file.',
        });
      }
      // A compressed transfer's length is not the length of what arrives.
      const isCompressed = response.headers.has('content-encoding');
      const length = Number(response.headers.get('content-length'));
      const totalBytes = !isCompressed && length > 0 ? length : null;
      // `Response.blob()` lets the browser keep the bytes on disk; the counter only looks on.
      const counted = response.body.pipeThrough(
        byteCounter((doneBytes) => onProgress(doneBytes, totalBytes)),
      );
      const file = await new Response(counted).blob().catch(() => {
        throw new InputError({
          code: 'download-interrupted',
          message: `the connection to ${address.host} broke off before the file was complete`,
          where: address.href,
          hint: 'Try again.',
        });
      });
      return { fileName: fileNameOf(address), file };
    }),
};

function parseAddress(url: string): URL {
  const address = URL.canParse(url.trim()) ? new URL(url.trim()) : null;
  if (address === null || !/^https?:$/.test(address.protocol)) {
    throw new InputError({
      code: 'bad-address',
      message: `"${url.trim()}" is not a web address`,
      hint: 'It should start with https:// and end with the file name.',
    });
  }
  return address;
}

function fileNameOf(address: URL): string {
  const last = address.pathname.split('/').pop() || 'model.onnx';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function byteCounter(report: (doneBytes: number) => void): TransformStream<Uint8Array, Uint8Array> {
  let done = 0;
  let reported = 0;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      done += chunk.byteLength;
      if (done - reported >= bytesPerReport) {
        reported = done;
        report(done);
      }
    },
  });
}
