import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import react from '@vitejs/plugin-react';
import { build, defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;
const runtimeFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));
const runtimeVersion = readVersion(join(runtimeFolder, '..', 'package.json'));
const appVersion = readVersion(join(root, 'package.json'));

/** Threads, the fine timer and shared memory need a cross-origin isolated page. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

function readVersion(packageJson: string): string {
  return (JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }).version;
}

/**
 * Serves and emits under `ort/` the runtime files that `src/engine/ort.ts` loads, straight from the package:
 * the CPU-only build, and the one with WebGPU and WebNN. The package's other builds are never used.
 */
function runtimeFiles(): Plugin {
  const names = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [
    `${name}.mjs`,
    `${name}.wasm`,
  ]);
  return {
    name: 'runtime-files',
    configureServer(server) {
      server.middlewares.use('/ort', (request, response, next) => {
        // Vite appends `?import` to dynamic imports it cannot resolve.
        const name = (request.url ?? '').slice(1).split('?')[0] ?? '';
        if (!names.includes(name)) return next();
        const path = join(runtimeFolder, name);
        response.setHeader('Content-Type', name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
        response.setHeader('Content-Length', statSync(path).size);
        for (const [header, value] of Object.entries(isolation)) response.setHeader(header, value);
        createReadStream(path).pipe(response);
      });
    },
    generateBundle() {
      for (const name of names)
        this.emitFile({
          type: 'asset',
          fileName: `ort/${name}`,
          source: readFileSync(join(runtimeFolder, name)),
        });
    },
  };
}

/**
 * Emits `service-worker.js` (one classic script, at the root so that its scope is the whole site) and
 * `precache.json`: every file of the site with a version that changes whenever any of them does.
 */
function offlineFiles(): Plugin {
  let publicFolder = '';
  return {
    name: 'offline-files',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      publicFolder = config.publicDir;
    },
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const hash = createHash('sha256');
        const files: string[] = [];
        const add = (name: string, content: string | Uint8Array) => {
          files.push(name);
          hash.update(name).update(content);
        };
        for (const file of Object.values(bundle))
          add(file.fileName, file.type === 'chunk' ? file.code : file.source);
        for (const path of filesUnder(publicFolder))
          add(relative(publicFolder, path).split(sep).join('/'), readFileSync(path));
        const version = hash.digest('hex').slice(0, 16);
        this.emitFile({
          type: 'asset',
          fileName: 'precache.json',
          source: JSON.stringify({ version, files }),
        });
        // The browser looks for a new version by comparing this script's bytes: let them differ.
        const source = `${await bundleServiceWorker()}\n// build ${version}\n`;
        this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
      },
    },
  };
}

async function bundleServiceWorker(): Promise<string> {
  const result = await build({
    configFile: false,
    root,
    publicDir: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2023',
      rolldownOptions: { input: join(root, 'workers', 'service-worker.ts'), output: { format: 'iife' } },
    },
  });
  const [chunk] = 'output' in result ? result.output : [];
  if (chunk?.type !== 'chunk') throw new Error('The service worker did not become a script.');
  return chunk.code;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The page's content security policy is for the built site; it would refuse the dev server's inline scripts and styles. */
function policyOnlyInBuild(): Plugin {
  return {
    name: 'policy-only-in-build',
    apply: 'serve',
    transformIndexHtml: (html) => html.replace(/<meta\s+http-equiv="Content-Security-Policy"[^>]*>/, ''),
  };
}

/**
 * One file, by name, for each of these modules with all that it imports and no earlier one has. Without them every
 * `import()` cuts what comes first into dozens of small files, which load more slowly and compress worse.
 */
function wholes(modules: Readonly<Record<string, RegExp>>) {
  return { groups: Object.entries(modules).map(([name, test]) => ({ name, test })) };
}

// The mode `modules` is that of `test/browser/modules/server.ts`.
export default defineConfig(({ command, mode }) => ({
  // Relative, so that the built site works from any folder of a static host.
  base: './',
  plugins: [react(), runtimeFiles(), mode === 'modules' ? null : offlineFiles(), policyOnlyInBuild()],
  define: {
    'import.meta.env.APP_VERSION': JSON.stringify(appVersion),
    'import.meta.env.RUNTIME_VERSION': JSON.stringify(runtimeVersion),
  },
  worker: {
    format: 'es',
    rolldownOptions: {
      output: { codeSplitting: wholes({ service: /src\/engine\/model-service\.ts$/ }) },
    },
  },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  resolve: {
    // Without the first condition Vite emits a second, unused 14 MB copy of the runtime's wasm.
    conditions: [
      'onnxruntime-web-use-extern-wasm',
      'module',
      'browser',
      command === 'build' ? 'production' : 'development',
    ],
  },
  // The page and each worker's code stay apart; what is big and not needed at once is loaded by `import()`.
  build: {
    target: 'es2023',
    sourcemap: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: wholes({
          store: /src\/store\/lab\.ts$/,
          lab: /src\/app\/render\.tsx$/,
          panels: /src\/app\/LeftPanels\.tsx$/,
        }),
      },
    },
  },
  server: { headers: isolation },
  preview: { headers: isolation },
}));
