import { useEffect, useRef } from 'react';

interface PixelsProps {
  readonly width: number;
  readonly height: number;
  /** Row-major RGBA. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  /** What it shows; left out where the image is decoration beside its name. */
  readonly label?: string;
}

/** Raw pixels on a canvas. */
export function Pixels({ width, height, rgba, label }: PixelsProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [width, height, rgba]);
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  );
}
