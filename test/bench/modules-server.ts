import { createServer, type Plugin } from 'vite';
import { blankPage } from '../browser/modules/in-page.ts';

const blankPagePlugin: Plugin = {
  name: 'blank-page',
  configureServer({ middlewares, config }) {
    middlewares.use(blankPage.path, (_request, response) => {
      for (const [name, value] of Object.entries(config.server.headers ?? {}))
        if (value !== undefined) response.setHeader(name, value);
      response.setHeader('Content-Type', 'text/html').end(blankPage.html);
    });
  },
};

/**
 * Serves the modules themselves from the development server while `work` runs: the built app has no door for a bench
 * that looks behind the page.
 * @param work is told the server's address
 */
export async function withModules<T>(projectRoot: string, work: (baseURL: string) => Promise<T>): Promise<T> {
  const server = await createServer({
    root: projectRoot,
    plugins: [blankPagePlugin],
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
