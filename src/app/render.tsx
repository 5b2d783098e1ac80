import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { defined } from '../base/assert.ts';
import { useLab } from '../store/lab.ts';
import { startSession } from '../store/session.ts';
import { App } from './App.tsx';
import { CrashBoundary } from './CrashBoundary.tsx';
import { registerServiceWorker } from './register-service-worker.ts';
import { storedTheme } from './theme.ts';

/** Puts the app on the page and brings back what was open, or the bundled sample on a first visit. */
export function render(): void {
  registerServiceWorker(reloadWhenIdle);
  useLab.getState().setTheme(storedTheme());
  const root = createRoot(defined(document.getElementById('root'), 'the root element'));
  // As a transition it is drawn in parts: a phone's page is not held up by all of it at once.
  startTransition(() =>
    root.render(
      <StrictMode>
        <CrashBoundary>
          <App />
        </CrashBoundary>
      </StrictMode>,
    ),
  );
  void startSession();
}

/** Threads and the fine timer come with the next load of the page; nothing may be interrupted for them. */
function reloadWhenIdle(): void {
  const { run, openingModel, openingData, tell } = useLab.getState();
  if (run === null && openingModel === null && openingData === null) location.reload();
  else
    tell('Threads and the fine timer are ready', 'Reload the page when it suits you to measure with them.');
}
