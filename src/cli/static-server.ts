import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import sirv from 'sirv';
import { distFolder } from './ensure-built.ts';

/** Threads, the fine timer and shared memory need a cross-origin isolated page. */
const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** The page's policy: nothing but its own files. Libraries set sizes and positions through style attributes. */
const pagePolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self' blob:",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A worker has the policy of its own script: the one that fetches a model from a URL the user typed may go there. */
const downloadPolicy = "default-src 'none'; script-src 'self'; connect-src https: http:";
const downloadWorker = /^\/assets\/download-[^/]*\.js$/;

export interface StaticServer {
  /** With the port that was really taken and a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the built site with the headers that isolate it, on one port.
 * @param options `port` 0 takes a free one; `host` 0.0.0.0 answers the whole network
 * @throws Error naming the port when it is taken
 */
export async function serveBuilt(options: {
  readonly port: number;
  readonly host: string;
  readonly https?: { readonly key: string; readonly cert: string };
  readonly csp?: string;
  /** Default: the built site. */
  readonly folder?: string;
}): Promise<StaticServer> {
  const serveFile = sirv(options.folder ?? distFolder, {
    etag: true,
    setHeaders(response, pathname) {
      // Hashed names never change; everything else is asked for again.
      const isHashed = pathname.startsWith('/assets/');
      response.setHeader('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const listener: RequestListener = (request, response) => {
    for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
    const isDownload = downloadWorker.test(request.url ?? '');
    response.setHeader('Content-Security-Policy', isDownload ? downloadPolicy : (options.csp ?? pagePolicy));
    serveFile(request, response);
  };
  const server = options.https ? createHttpsServer(options.https, listener) : createHttpServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(isTaken ? new Error(`Port ${options.port} is taken; choose another with --port.`) : error);
    });
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : options.port;
  return {
    url: `${options.https ? 'https' : 'http'}://${options.host}:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
