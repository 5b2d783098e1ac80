import { type RefObject, useEffect, useState } from 'react';
import { seenPart } from '../../data/preprocess.ts';
import { useLab } from '../../store/lab.ts';
import styles from './Camera.module.css';

/** Dims what the model does not see of a video; nothing where it sees all of it. */
export function SeenFrame({ video }: { readonly video: RefObject<HTMLVideoElement | null> }) {
  const preprocessing = useLab((lab) => lab.preprocessing);
  const { width, height } = useVideoSize(video);
  if (!preprocessing || preprocessing.random || width === 0) return null;
  const part = seenPart({ width, height }, preprocessing);
  const [left, top] = [Math.max(0, part.left) * width, Math.max(0, part.top) * height];
  const right = Math.min(1, part.left + part.width) * width;
  const bottom = Math.min(1, part.top + part.height) * height;
  if (left < 1 && top < 1 && right > width - 1 && bottom > height - 1) return null;
  return (
    // The box is placed as the video's pictures are: whole, in the middle.
    <svg className={styles.crop} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path fillRule="evenodd" d={`M0 0H${width}V${height}H0ZM${left} ${top}H${right}V${bottom}H${left}Z`} />
    </svg>
  );
}

const NO_SIZE = { width: 0, height: 0 };

/** Of its pictures, which a phone that is turned changes. */
function useVideoSize(video: RefObject<HTMLVideoElement | null>) {
  const [size, setSize] = useState(NO_SIZE);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const read = () => setSize({ width: element.videoWidth, height: element.videoHeight });
    read();
    element.addEventListener('resize', read);
    return () => element.removeEventListener('resize', read);
  }, [video]);
  return size;
}
