import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';

/** Why nothing can be seen on images: there are none, or the model takes none. */
export function NeedsImages() {
  const takesNone = useLab((lab) => lab.preprocessing?.random === true);
  return (
    <p className={`${panel.dim} ${panel.small}`}>
      {takesNone
        ? 'Needs images, and this model takes none.'
        : 'Needs images that fit the model: open some under Data.'}
    </p>
  );
}
