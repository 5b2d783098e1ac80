/**
 * The lab's service worker: makes it installable and usable offline after the first visit, and adds the
 * cross-origin isolation headers where a static host does not send them (threads and the fine timer need them).
 */

/** Written by the build beside the app: every file it emitted. */
interface PrecacheList {
  /** Changes with every build. */
  readonly version: string;
  /** Paths relative to the service worker's scope. */
  readonly files: readonly string[];
}

const cachePrefix = 'paretoscope-';

/** Fetched when first needed instead of on the first visit: the WebGPU build of the runtime (27 MB) and the gallery. */
const onDemand = /(asyncify|samples\/zoo\/|screenshot)/;

const isolationHeaders: readonly (readonly [string, string])[] = [
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Embedder-Policy', 'require-corp'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
];

/** Registers the handlers on a service worker's global scope. */
export function installOfflineService(scope: ServiceWorkerGlobalScope): void {
  scope.addEventListener('install', (event) => event.waitUntil(precache(scope)));
  scope.addEventListener('activate', (event) => event.waitUntil(takeOver(scope)));
  scope.addEventListener('fetch', (event) => {
    const { request } = event;
    const isOwn = new URL(request.url).origin === scope.location.origin;
    if (request.method === 'GET' && isOwn) event.respondWith(respond(scope, request));
  });
}

async function readPrecacheList(scope: ServiceWorkerGlobalScope): Promise<PrecacheList> {
  const response = await fetch(new URL('precache.json', scope.registration.scope), { cache: 'no-store' });
  if (!response.ok) throw new Error(`precache.json: HTTP ${response.status}`);
  return (await response.json()) as PrecacheList;
}

async function precache(scope: ServiceWorkerGlobalScope): Promise<void> {
  const list = await readPrecacheList(scope);
  const cache = await caches.open(cachePrefix + list.version);
  const wanted = list.files.filter((file) => !onDemand.test(file));
  // One by one: a phone's first visit is also loading the app and should not compete with twenty downloads.
  for (const file of ['./', ...wanted]) await cache.add(new URL(file, scope.registration.scope).href);
  await scope.skipWaiting();
}

async function takeOver(scope: ServiceWorkerGlobalScope): Promise<void> {
  const { version } = await readPrecacheList(scope).catch(() => ({ version: '' }));
  for (const name of await caches.keys()) {
    // Offline at activation: keep what is there rather than guess which cache is current.
    if (version !== '' && name.startsWith(cachePrefix) && name !== cachePrefix + version)
      await caches.delete(name);
  }
  await scope.clients.claim();
}

async function respond(scope: ServiceWorkerGlobalScope, request: Request): Promise<Response> {
  const isPage = request.mode === 'navigate';
  // Hashed files never change, so the cache wins; the page itself is asked for first, so that updates arrive.
  const fromCache = () => caches.match(isPage ? scope.registration.scope : request, { ignoreSearch: isPage });
  if (isPage) {
    try {
      return isolated(await fetch(request));
    } catch {
      return isolated((await fromCache()) ?? Response.error());
    }
  }
  const cached = await fromCache();
  if (cached) return isolated(cached);
  const response = await fetch(request);
  if (response.ok && onDemand.test(request.url)) await keep(scope, request, response.clone());
  return isolated(response);
}

async function keep(scope: ServiceWorkerGlobalScope, request: Request, response: Response): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(cachePrefix));
  const current = names.at(-1);
  // A full disk costs the offline copy, not the answer.
  if (current && scope.registration.active)
    await (await caches.open(current)).put(request, response).catch(() => {});
}

/** The same response with the isolation headers; opaque and error responses cannot be rebuilt and pass as they are. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.type === 'opaque' || response.type === 'opaqueredirect')
    return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of isolationHeaders) headers.set(name, value);
  // A redirected response may not answer a navigation; a rebuilt one is no longer redirected.
  const body = [101, 204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}
