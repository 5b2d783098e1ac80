import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** An element's size in CSS pixels, kept up to date; null until it is laid out. */
export function useSize<T extends Element>(): readonly [RefObject<T | null>, Size | null] {
  const element = useRef<T>(null);
  const [size, setSize] = useState<Size | null>(null);
  useLayoutEffect(() => {
    const measured = element.current;
    if (!measured) return;
    const read = () => {
      const { width, height } = measured.getBoundingClientRect();
      setSize((old) => {
        if (width === 0 || height === 0) return old;
        return old?.width === width && old.height === height ? old : { width, height };
      });
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(measured);
    return () => observer.disconnect();
  }, []);
  return [element, size];
}
