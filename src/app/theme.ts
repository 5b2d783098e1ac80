import { useEffect, useSyncExternalStore } from 'react';
import { useLab } from '../store/lab.ts';
import type { Theme } from '../store/ui-slice.ts';

const storageKey = 'paretoscope-theme';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** The theme chosen on an earlier visit; kept in localStorage because it is needed before the first paint. */
export function storedTheme(): Theme {
  const stored = localStorage.getItem(storageKey);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

/** Whether the page is dark now. */
export function useIsDark(): boolean {
  const theme = useLab((lab) => lab.theme);
  const isSystemDark = useMedia(systemDark);
  return theme === 'system' ? isSystemDark : theme === 'dark';
}

/** Puts the theme on the page and remembers it. */
export function useTheme(): void {
  const isDark = useIsDark();
  const theme = useLab((lab) => lab.theme);
  useEffect(() => {
    document.documentElement.classList.toggle('dark', isDark);
    localStorage.setItem(storageKey, theme);
  }, [isDark, theme]);
}

/** Whether a media query matches, kept up to date. */
export function useMedia(query: MediaQueryList): boolean {
  return useSyncExternalStore(
    (changed) => {
      query.addEventListener('change', changed);
      return () => query.removeEventListener('change', changed);
    },
    () => query.matches,
  );
}
