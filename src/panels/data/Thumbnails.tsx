import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import { encodedItem } from '../../store/data-slice.ts';
import styles from './DataPanel.module.css';
import { Pixels } from './Pixels.tsx';

interface ThumbnailsProps {
  readonly data: LoadedDataset;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
}

const thumbPixels = 68;

/** All images, of which only the visible ones are decoded. */
export function Thumbnails({ data, selected, onSelect }: ThumbnailsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(5);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      setColumns(Math.max(3, Math.floor(element.clientWidth / thumbPixels))),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { items, classNames } = data.dataset;
  // oxlint-disable-next-line react/incompatible-library -- its functions change without telling; nothing here is memoised
  const rows = useVirtualizer({
    count: Math.ceil(items.length / columns),
    getScrollElement: () => scroller.current,
    estimateSize: () => (scroller.current?.clientWidth ?? 340) / columns,
    overscan: 2,
  });
  useEffect(() => rows.measure(), [columns, rows]);
  return (
    <div ref={scroller} className={styles.grid} role="region" aria-label="Images" tabIndex={0}>
      <div style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => (
          <div
            key={row.key}
            className={styles.gridRow}
            style={{
              gridTemplateColumns: `repeat(${columns}, 1fr)`,
              transform: `translateY(${row.start}px)`,
            }}
          >
            {items.slice(row.index * columns, (row.index + 1) * columns).map((item, offset) => {
              const index = row.index * columns + offset;
              const label = item.label === null ? '' : `, ${classNames[item.label] ?? `class ${item.label}`}`;
              return (
                <button
                  key={item.name}
                  type="button"
                  className={styles.thumb}
                  aria-pressed={index === selected}
                  aria-label={`${item.name}${label}`}
                  title={`${item.name}${label}`}
                  onClick={() => onSelect(index)}
                >
                  <Thumbnail data={data} index={index} />
                </button>
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

/** An image of the dataset as large as its place. */
export function Thumbnail({ data, index }: { readonly data: LoadedDataset; readonly index: number }) {
  const encoding = data.dataset.items[index]?.encoding;
  return encoding?.kind === 'pixels' ? (
    <RawThumbnail data={data} index={index} {...encoding} />
  ) : (
    <EncodedThumbnail data={data} index={index} />
  );
}

function EncodedThumbnail({ data, index }: { readonly data: LoadedDataset; readonly index: number }) {
  const image = useRef<HTMLImageElement>(null);
  useEffect(() => {
    const blob = encodedItem(data, index);
    if (!blob || !image.current) return;
    const url = URL.createObjectURL(blob);
    image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [data, index]);
  return <img ref={image} alt="" decoding="async" />;
}

function RawThumbnail({
  data,
  index,
  width,
  height,
  channels,
}: {
  readonly data: LoadedDataset;
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}) {
  const [rgba, setRgba] = useState<Uint8ClampedArray<ArrayBuffer> | null>(null);
  useEffect(() => {
    const item = data.dataset.items[index];
    if (!item) return;
    let isCurrent = true;
    void data.pack
      .slice(item.offset, item.offset + item.length)
      .arrayBuffer()
      .then((buffer) => isCurrent && setRgba(toRgba(new Uint8Array(buffer), width * height, channels)));
    return () => {
      isCurrent = false;
    };
  }, [data, index, width, height, channels]);
  return rgba && <Pixels width={width} height={height} rgba={rgba} />;
}

function toRgba(pixels: Uint8Array, count: number, channels: 1 | 3): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(4 * count);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      rgba[4 * pixel + channel] = pixels[pixel * channels + (channels === 3 ? channel : 0)] ?? 0;
    }
    rgba[4 * pixel + 3] = 255;
  }
  return rgba;
}
