import './tokens.css';
import './base.css';

if (location.hash.startsWith('#headless')) {
  (await import('./headless.ts')).installHeadless();
} else {
  (await import('./render.tsx')).render();
}
