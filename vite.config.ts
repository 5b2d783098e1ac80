import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Threads, the fine timer and shared memory need a cross-origin isolated page. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig(({ command }) => ({
  // Relative, so that the built site works from any folder of a static host.
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  resolve: {
    // Without the first condition Vite emits a second, unused 14 MB copy of the runtime's wasm.
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', command === 'build' ? 'production' : 'development'],
  },
  build: { target: 'es2023', sourcemap: false },
  server: { headers: isolation },
  preview: { headers: isolation },
}));
