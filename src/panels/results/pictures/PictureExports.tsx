import { useLab } from '../../../store/lab.ts';
import { csvText } from '../../../study/csv-text.ts';
import type { Picture } from '../../../study/plots/picture.ts';
import type { PictureKind } from '../../../study/plots/pictures.ts';
import { svgDocument } from '../../../study/plots/svg-elements.ts';
import panel from '../../panel.module.css';
import { Button } from '../../ui/controls.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { svgToPng } from '../svg-to-png.ts';

/** Width of the drawing in files, in pixels: a page or a slide has room for it. */
const fileWidth = 880;

/** A picture as files. */
export function PictureExports({
  kind,
  picture,
  subtitle,
}: {
  readonly kind: Pick<PictureKind, 'id' | 'title' | 'howToRead'>;
  readonly picture: Picture;
  readonly subtitle: string;
}) {
  const reportFailure = useLab((lab) => lab.reportFailure);
  const document = () =>
    svgDocument(picture.draw(fileWidth), { ...kind, subtitle, finding: picture.finding });
  const savePng = async () => {
    try {
      saveFile(`${kind.id}.png`, await svgToPng(document()));
    } catch {
      reportFailure('The picture could not be drawn', {
        code: 'png-failed',
        message: 'this browser did not draw the plot',
        hint: 'Take the SVG instead.',
      });
    }
  };
  return (
    <div className={panel.buttons}>
      <Button
        aria-label={`${kind.title} as SVG`}
        onClick={() => saveFile(`${kind.id}.svg`, document(), 'image/svg+xml')}
      >
        SVG
      </Button>
      <Button aria-label={`${kind.title} as PNG`} onClick={() => void savePng()}>
        PNG
      </Button>
      <Button
        aria-label={`${kind.title} as CSV`}
        onClick={() => saveFile(`${kind.id}.csv`, csvText(picture.rows), 'text/csv')}
      >
        CSV
      </Button>
    </div>
  );
}
