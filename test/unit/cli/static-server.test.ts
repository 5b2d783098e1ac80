import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveBuilt, type StaticServer } from '../../../src/cli/static-server.ts';

let folder: string;
let server: StaticServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paretoscope-test-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'runtime.wasm'), new Uint8Array([0, 97, 115, 109]));
  for (const name of ['index-abc.js', 'download-abc.js']) writeFileSync(join(folder, 'assets', name), '');
  server = await serveBuilt({ host: '127.0.0.1', port: 0, folder });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

it('isolates every answer, also of files that are not there', async () => {
  for (const path of ['', 'assets/index-abc.js', 'missing']) {
    const { headers } = await fetch(server.url + path);
    expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
    expect(headers.get('Cross-Origin-Embedder-Policy')).toBe('require-corp');
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'self'");
  }
  expect((await fetch(`${server.url}missing`)).status).toBe(404);
});

it('lets only the download worker reach other origins', async () => {
  const policyOf = async (path: string) => {
    const { headers } = await fetch(server.url + path);
    return headers.get('Content-Security-Policy') ?? '';
  };
  expect(await policyOf('assets/download-abc.js')).toContain('connect-src https: http:');
  expect(await policyOf('assets/index-abc.js')).toContain("connect-src 'self' blob:");
  expect(await policyOf('')).not.toContain('https:');
});

it('tells the type that streaming compilation of WebAssembly needs, and what may be cached for ever', async () => {
  expect((await fetch(`${server.url}runtime.wasm`)).headers.get('Content-Type')).toBe('application/wasm');
  expect((await fetch(`${server.url}assets/index-abc.js`)).headers.get('Cache-Control')).toContain(
    'immutable',
  );
  expect((await fetch(server.url)).headers.get('Cache-Control')).toBe('no-cache');
});

it('does not serve what lies outside its folder', async () => {
  writeFileSync(join(folder, '..', 'paretoscope-outside.txt'), 'secret');
  const { hostname, port } = new URL(server.url);
  const { request } = await import('node:http');
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request({ hostname, port, path: '/../paretoscope-outside.txt' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  rmSync(join(folder, '..', 'paretoscope-outside.txt'));
  expect(status).toBe(404);
});

it('says which port is taken', async () => {
  const port = Number(new URL(server.url).port);
  await expect(serveBuilt({ host: '127.0.0.1', port, folder })).rejects.toThrow(`Port ${port} is taken`);
});
