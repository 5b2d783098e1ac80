import { useEffect, useState, type RefObject } from 'react';
import { heatRamp } from './heat.ts';

/** Colours for what is painted rather than styled, read from the style sheet. */
export interface Theme {
  readonly dots: string;
  readonly wire: string;
  readonly border: string;
  readonly panel: string;
  readonly ink: string;
  readonly accent: string;
  readonly exit: string;
  readonly cut: string;
  /** Bars of a chart, and the best of them. */
  readonly bar: string;
  readonly good: string;
  /** Cold to hot. */
  readonly heat: readonly string[];
}

export const HEAT_STEPS = 16;

/** The theme at an element, read again when the page switches between light and dark. */
export function useTheme(element: RefObject<HTMLElement | null>): Theme | null {
  const [theme, setTheme] = useState<Theme | null>(null);
  useEffect(() => {
    const read = (): void => {
      if (element.current) setTheme(themeOf(element.current));
    };
    read();
    const observer = new MutationObserver(read);
    const watched = { attributes: true, attributeFilter: ['class', 'data-theme', 'style'] };
    observer.observe(document.documentElement, watched);
    observer.observe(document.body, watched);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', read);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', read);
    };
  }, [element]);
  return theme;
}

function themeOf(element: HTMLElement): Theme {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    dots: colour('--canvas-dots'),
    wire: colour('--canvas-wire'),
    border: colour('--line'),
    panel: colour('--panel'),
    ink: colour('--ink'),
    accent: colour('--accent'),
    exit: colour('--exit'),
    cut: colour('--cut'),
    bar: colour('--line-strong'),
    good: colour('--good'),
    heat: heatRamp(colour('--heat-cold'), colour('--heat-hot'), HEAT_STEPS),
  };
}
