import { createServer } from 'vite';

/**
 * Serves the modules themselves from the development server while `work` runs: the built app has no door for a bench
 * that looks behind the page.
 * @param work is told the server's address
 */
export async function withModules<T>(projectRoot: string, work: (baseURL: string) => Promise<T>): Promise<T> {
  const server = await createServer({
    root: projectRoot,
    server: { host: '127.0.0.1', port: 0 },
    logLevel: 'error',
  });
  await server.listen();
  const address = server.httpServer?.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    await server.close();
  }
}
