import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { distFolder } from '../../../src/cli/ensure-built.ts';
import { expect, test } from './lab-page.ts';

const types = new Map([
  ['.html', 'text/html'],
  ['.js', 'text/javascript'],
  ['.mjs', 'text/javascript'],
  ['.css', 'text/css'],
  ['.svg', 'image/svg+xml'],
  ['.wasm', 'application/wasm'],
  ['.json', 'application/json'],
]);

/** A host that knows nothing of headers, with the site in a folder below its root. */
async function plainHost(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    if (!pathname.startsWith('/lab/')) return response.writeHead(404).end();
    const path = join(folder, normalize(pathname.slice('/lab'.length).replace(/\/$/, '/index.html')));
    if (!existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end();
    const type = types.get(extname(path)) ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type });
    return createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/lab/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

// As people have it: the site is kept while it is used, and answers later visits.
test.use({ serviceWorkers: 'allow' });

test('on a plain static host the lab isolates itself, and works when the host is gone', async ({
  lab,
  page,
  outside,
}) => {
  const host = await plainHost(distFolder);
  outside.push(new URL(host.url).origin);
  await page.goto(host.url);
  // The service worker takes over, and the page loads again by itself.
  await expect(lab.button(/^This device:/)).toHaveAccessibleName(/wasm \d+ thread/, { timeout: 60_000 });
  await expect(async () => expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)).toPass({
    timeout: 60_000,
  });
  await expect(lab.measureButton()).toBeEnabled({ timeout: 30_000 });

  await host.stop();
  await page.reload();
  await expect(lab.measureButton()).toBeEnabled({ timeout: 30_000 });
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await expect(page.getByTestId('graph-canvas')).toHaveAttribute('data-model', 'digits.onnx');
  await lab.chooseOnly('identity');
  await lab.measure();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(1);
  // That the host is gone is no problem of the lab.
  const isGone = (text: string) => /ERR_CONNECTION_REFUSED/.test(text);
  lab.problems.splice(0, lab.problems.length, ...lab.problems.filter((text) => !isGone(text)));
});

test('the policy lets no text become code and no markup run', async ({ lab, page }) => {
  await lab.visit();
  const refused = await page.evaluate(async () => {
    const violations: string[] = [];
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
      violations.push(effectiveDirective),
    );
    const attempts: Record<string, boolean> = {};
    // In a task of the page: what comes from the test itself is allowed everything.
    attempts['eval'] = await new Promise<boolean>((resolve) =>
      setTimeout(() => {
        try {
          // oxlint-disable-next-line no-implied-eval, no-new-func -- that it is refused is the test
          resolve(new Function('return true')() as boolean);
        } catch {
          resolve(false);
        }
      }),
    );
    document.body.insertAdjacentHTML(
      'beforeend',
      '<img src="data:image/png;base64,x" onerror="globalThis.wasHit = true">',
    );
    const script = document.createElement('script');
    script.textContent = 'globalThis.wasHit = true';
    document.body.append(script);
    attempts['fetch'] = await fetch('http://127.0.0.1:9/').then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    attempts['hit'] = 'wasHit' in globalThis;
    return { attempts, violations };
  });
  expect(refused.attempts).toEqual({ eval: false, fetch: false, hit: false });
  expect(refused.violations).toEqual(
    expect.arrayContaining(['script-src', 'script-src-attr', 'script-src-elem', 'connect-src']),
  );
  // These were wanted.
  lab.problems.length = 0;
});
