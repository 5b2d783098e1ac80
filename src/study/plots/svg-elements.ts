import { escapeXml } from '../plot-svg.ts';
import { type Drawing, type Ink, type Mark, round, TEXT_SIZE } from './drawing.ts';

/** An SVG element with its attributes as React names them. */
export interface SvgElement {
  readonly tag: 'path' | 'line' | 'rect' | 'circle' | 'text';
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly text?: string;
}

/** A colour for each role. */
export type Palette = Readonly<Record<Ink, string>>;

/** The light theme, for files: they bring their own white paper, and so are readable on any ground. */
const filePalette: Palette = {
  ink: '#15171a',
  dim: '#5d646d',
  line: '#e3e4e0',
  paper: '#ffffff',
  accent: '#0b5fff',
  faded: '#9aa5b4',
  tint: '#cfdcf8',
  exit: '#d55e00',
  cut: '#7a3ff2',
  good: '#009e73',
  bad: '#c62828',
  warn: '#b26a00',
};

/** The one way from marks to SVG, on screen and in files. */
export function svgElement(mark: Mark, palette: Palette): SvgElement {
  switch (mark.kind) {
    case 'path':
      return { tag: 'path', attributes: { d: mark.d, ...paint(mark, palette) } };
    case 'line': {
      const { x1, y1, x2, y2 } = mark;
      const ends = { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2) };
      return { tag: 'line', attributes: { ...ends, ...paint(mark, palette) } };
    }
    case 'rect': {
      const { left, top, right, bottom } = mark.box;
      const place = {
        x: round(left),
        y: round(top),
        width: round(right - left),
        height: round(bottom - top),
      };
      return { tag: 'rect', attributes: { ...place, ...paint(mark, palette) } };
    }
    case 'circle': {
      const place = { cx: round(mark.x), cy: round(mark.y), r: mark.radius };
      return { tag: 'circle', attributes: { ...place, ...paint(mark, palette) } };
    }
    case 'text':
      return {
        tag: 'text',
        attributes: {
          x: round(mark.x),
          y: round(mark.y),
          fill: palette[mark.ink ?? 'ink'],
          ...(mark.anchor ? { textAnchor: mark.anchor } : {}),
          ...(mark.size ? { fontSize: mark.size } : {}),
          ...(mark.bold ? { fontWeight: 600 } : {}),
        },
        text: mark.text,
      };
  }
}

function paint(
  { fill, stroke, strokeWidth, dash, opacity, roundEnds }: Exclude<Mark, { kind: 'text' }>,
  palette: Palette,
): Record<string, string | number> {
  return {
    fill: fill ? palette[fill] : 'none',
    stroke: stroke ? palette[stroke] : 'none',
    ...(strokeWidth === undefined ? {} : { strokeWidth }),
    ...(dash ? { strokeDasharray: dash } : {}),
    // Each its own, and no stroke said so: simple renderers paint `opacity` over what has no fill.
    ...(opacity === undefined || !fill ? {} : { fillOpacity: opacity }),
    ...(opacity === undefined || !stroke ? {} : { strokeOpacity: opacity }),
    ...(roundEnds ? { strokeLinecap: 'round' } : {}),
  };
}

/** What stands above the picture in a file. */
export interface Heading {
  readonly title: string;
  /** The model, the images, the device. */
  readonly subtitle: string;
  /** How the picture is read. */
  readonly howToRead: string;
  /** What comes out of it, for those who do not see it. */
  readonly finding?: string;
}

const inset = 20;
const headLines = { title: 28, subtitle: 48, first: 68, step: 17 };

/** A picture as an SVG document that needs nothing else; names from files appear as text only. */
export function svgDocument(drawing: Drawing, { title, subtitle, howToRead, finding = '' }: Heading): string {
  const width = drawing.width + 2 * inset;
  const sentences = wrapped(howToRead, Math.floor(drawing.width / (0.54 * TEXT_SIZE)));
  const top = headLines.first + (sentences.length - 1) * headLines.step + 14;
  const height = top + drawing.height + inset;
  const head = (y: number, text: string, more: string): string =>
    `<text x="${inset}" y="${y}" ${more}>${escapeXml(text)}</text>`;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="${TEXT_SIZE}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<desc>${escapeXml(`${finding} ${howToRead}`.trim())}</desc>`,
    `<rect width="${width}" height="${height}" fill="${filePalette.paper}"/>`,
    head(headLines.title, title, `font-size="17" font-weight="600" fill="${filePalette.ink}"`),
    head(headLines.subtitle, subtitle, `fill="${filePalette.dim}"`),
    ...sentences.map((text, at) =>
      head(headLines.first + at * headLines.step, text, `fill="${filePalette.dim}"`),
    ),
    `<g transform="translate(${inset} ${top})">`,
    ...drawing.marks.map((mark) => elementText(svgElement(mark, filePalette))),
    ...drawing.tips.map(
      ({ box, text }) =>
        `<rect x="${round(box.left)}" y="${round(box.top)}" width="${round(box.right - box.left)}" height="${round(box.bottom - box.top)}" fill="none" stroke="none" pointer-events="all"><title>${escapeXml(text)}</title></rect>`,
    ),
    '</g>',
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function elementText({ tag, attributes, text }: SvgElement): string {
  const told = Object.entries(attributes).map(
    ([name, value]) =>
      `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}="${escapeXml(String(value))}"`,
  );
  const head = `<${tag} ${told.join(' ')}`;
  return text === undefined ? `${head}/>` : `${head}>${escapeXml(text)}</${tag}>`;
}

/** Text in lines of at most this many characters, broken between words. */
function wrapped(text: string, characters: number): readonly string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= characters)
      return [...lines.slice(0, -1), `${line} ${word}`];
    return [...lines, word];
  }, []);
}
