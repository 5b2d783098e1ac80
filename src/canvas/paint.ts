import type { PlacedBox } from './geometry.ts';
import type { NodeChange } from './graph-changes.ts';
import type { Light } from './lit.ts';
import type { Layout } from './layout.ts';
import type { Wire } from './wires.ts';
import { HEAT_STEPS, type Theme } from './theme.ts';

/** What the painted layer shows besides the layout. */
export interface Scene {
  readonly layout: Layout;
  /** Heat of each row in [0, 1]. */
  readonly heats: Float32Array;
  readonly selectedRow: number | null;
  /** The match that is looked at, and all of them. */
  readonly matchRow: number | null;
  readonly matchRows: ReadonlySet<number>;
  /** Exits that take part: their ramps are solid. */
  readonly activeExits: ReadonlySet<number>;
  /** What each row is against the graph that this one was made of, if it was made of one. */
  readonly rowChanges: readonly NodeChange[] | undefined;
  /** Rows that fade: what the recipe cuts away, and what is not lit where something is. */
  readonly fadedRows: readonly boolean[];
  /** Where something is lit: what each row does with it; null: nothing. */
  readonly litRows: readonly (Light | null)[] | undefined;
}

export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  /** Of the pane, in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

const CORNER_RADIUS = 6;
/** How much of what fades stays visible. */
const FADED_ALPHA = 0.3;
const DOT_SPACING_PX = 24;

/**
 * Paints wires and, seen from afar, boxes. One canvas instead of thousands of elements: with all of DenseNet-201
 * (2410 edges) on screen a frame must still fit in 16 ms on a processor without a graphics card.
 * @param detail true if boxes are drawn as elements and only wires are wanted
 */
export function paintGraph(
  context: CanvasRenderingContext2D,
  scene: Scene,
  viewport: Viewport,
  theme: Theme,
  detail: boolean,
  pixelRatio: number,
): void {
  const { x, y, zoom, width, height } = viewport;
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.clearRect(0, 0, width, height);
  paintDots(context, viewport, theme);
  context.setTransform(zoom * pixelRatio, 0, 0, zoom * pixelRatio, x * pixelRatio, y * pixelRatio);
  const top = -y / zoom;
  const bottom = (height - y) / zoom;
  const visible = scene.layout.wires.filter((wire) => wire.bottom >= top && wire.top <= bottom);
  paintWires(context, visible, scene, theme, zoom, detail);
  if (!detail) paintBoxes(context, scene, theme, zoom, top, bottom);
  paintRamps(context, visible, scene, theme, zoom);
}

/** Boxes only, squeezed into a strip: the overview. */
export function paintOverview(
  context: CanvasRenderingContext2D,
  scene: Scene,
  theme: Theme,
  width: number,
  height: number,
  pixelRatio: number,
): void {
  const { bounds, boxes } = scene.layout;
  // Without the rails on the left.
  const left = boxes[0]?.x ?? 0;
  const scaleX = width / (bounds.right - left);
  const scaleY = height / (bounds.bottom - bounds.top);
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.clearRect(0, 0, width, height);
  boxes.forEach((at, row) => {
    if (at.box.kind === 'header') return;
    const isMatch = scene.matchRows.has(row) || scene.selectedRow === row || scene.litRows?.[row];
    context.fillStyle = isMatch ? theme.accent : fillOf(at, scene.heats[row] ?? 0, theme);
    context.globalAlpha = scene.fadedRows[row] ? FADED_ALPHA : 1;
    const boxHeight = Math.max(1, at.height * scaleY - 0.5);
    context.fillRect((at.x - left) * scaleX, at.y * scaleY, at.width * scaleX, boxHeight);
  });
  context.globalAlpha = 1;
}

function paintDots(context: CanvasRenderingContext2D, viewport: Viewport, theme: Theme): void {
  // The spacing doubles or halves with the zoom, so that the number of dots stays the same.
  let spacing = DOT_SPACING_PX * viewport.zoom;
  while (spacing < DOT_SPACING_PX * 0.75) spacing *= 2;
  while (spacing > DOT_SPACING_PX * 1.5) spacing /= 2;
  context.fillStyle = theme.dots;
  const startX = ((viewport.x % spacing) + spacing) % spacing;
  const startY = ((viewport.y % spacing) + spacing) % spacing;
  for (let y = startY; y < viewport.height; y += spacing) {
    for (let x = startX; x < viewport.width; x += spacing) context.fillRect(x, y, 1.5, 1.5);
  }
}

function paintWires(
  context: CanvasRenderingContext2D,
  wires: readonly Wire[],
  scene: Scene,
  theme: Theme,
  zoom: number,
  detail: boolean,
): void {
  const lineWidth = Math.max(1.4, 0.6 / zoom);
  context.fillStyle = theme.wire;
  context.strokeStyle = theme.wire;
  context.lineWidth = lineWidth;
  if (detail) context.beginPath();
  const selected: Wire[] = [];
  const faded: Wire[] = [];
  for (const wire of wires) {
    if (wire.exit !== null) continue;
    if (wire.from === scene.selectedRow || wire.to === scene.selectedRow) selected.push(wire);
    else if (scene.fadedRows[wire.from] || scene.fadedRows[wire.to]) faded.push(wire);
    else if (detail) traceWire(context, wire.points);
    else if (!wire.minor) fillWire(context, wire.points, lineWidth);
  }
  if (detail) context.stroke();
  paintFadedWires(context, faded, lineWidth, detail);
  if (selected.length === 0) return;
  context.strokeStyle = theme.accent;
  context.lineWidth = lineWidth * 1.4;
  context.beginPath();
  for (const wire of selected) traceWire(context, wire.points);
  context.stroke();
}

function paintFadedWires(
  context: CanvasRenderingContext2D,
  wires: readonly Wire[],
  lineWidth: number,
  detail: boolean,
): void {
  if (wires.length === 0) return;
  context.globalAlpha = FADED_ALPHA;
  context.beginPath();
  for (const wire of wires) {
    if (detail) traceWire(context, wire.points);
    else if (!wire.minor) fillWire(context, wire.points, lineWidth);
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** Orange off-ramps: a dot on the trunk, a line, an arrow. */
function paintRamps(
  context: CanvasRenderingContext2D,
  wires: readonly Wire[],
  scene: Scene,
  theme: Theme,
  zoom: number,
): void {
  const scale = Math.max(1, 0.5 / zoom);
  for (const wire of wires) {
    if (wire.exit === null) continue;
    const active = scene.activeExits.has(wire.exit);
    const [startX = 0, startY = 0] = wire.points;
    const endX = wire.points.at(-2) ?? 0;
    const endY = wire.points.at(-1) ?? 0;
    context.strokeStyle = theme.exit;
    context.fillStyle = theme.exit;
    context.globalAlpha = active ? 1 : scene.fadedRows[wire.to] ? FADED_ALPHA : 0.55;
    context.lineWidth = (active ? 2.2 : 1.4) * scale;
    context.setLineDash(active ? [] : [4 * scale, 4 * scale]);
    context.beginPath();
    traceWire(context, wire.points);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.arc(startX, startY, (active ? 6 : 4.5) * scale, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    context.moveTo(endX, endY);
    context.lineTo(endX - 10 * scale, endY - 5 * scale);
    context.lineTo(endX - 10 * scale, endY + 5 * scale);
    context.fill();
    context.globalAlpha = 1;
  }
}

function paintBoxes(
  context: CanvasRenderingContext2D,
  scene: Scene,
  theme: Theme,
  zoom: number,
  top: number,
  bottom: number,
): void {
  const ring = 2.5 / zoom;
  context.strokeStyle = theme.border;
  context.lineWidth = 1 / zoom;
  const outlined = zoom > 0.15;
  scene.layout.boxes.forEach((at, row) => {
    if (at.y > bottom || at.y + at.height < top || at.box.kind === 'header') return;
    if (row === scene.selectedRow || scene.matchRows.has(row) || scene.litRows?.[row]) {
      context.fillStyle = theme.accent;
      context.fillRect(at.x - ring, at.y - ring, at.width + 2 * ring, at.height + 2 * ring);
    }
    // Too small for an outline, a cold box would vanish on the paper.
    const heat = scene.heats[row] ?? 0;
    context.fillStyle = outlined || heat > 0.1 ? fillOf(at, heat, theme) : theme.border;
    context.globalAlpha = scene.fadedRows[row] ? FADED_ALPHA : 1;
    context.fillRect(at.x, at.y, at.width, at.height);
    if (outlined) context.strokeRect(at.x, at.y, at.width, at.height);
    context.globalAlpha = 1;
    if ((scene.rowChanges?.[row] ?? 'same') !== 'same') {
      context.fillStyle = theme.accent;
      context.fillRect(at.x, at.y, Math.max(5, 3 / zoom), at.height);
    }
  });
}

function fillOf(at: PlacedBox, heat: number, theme: Theme): string {
  if (at.box.kind === 'input') return theme.border;
  return theme.heat[Math.round(heat * (HEAT_STEPS - 1))] ?? theme.panel;
}

/** Adds a wire with rounded corners to the current path. */
function traceWire(context: CanvasRenderingContext2D, points: readonly number[]): void {
  context.moveTo(points[0] ?? 0, points[1] ?? 0);
  for (let i = 2; i + 3 < points.length; i += 2) {
    context.arcTo(
      points[i] ?? 0,
      points[i + 1] ?? 0,
      points[i + 2] ?? 0,
      points[i + 3] ?? 0,
      cornerRadius(points, i),
    );
  }
  context.lineTo(points.at(-2) ?? 0, points.at(-1) ?? 0);
}

/** A corner takes at most half of its shorter leg, so that neighbouring corners never overlap. */
function cornerRadius(points: readonly number[], i: number): number {
  const leg = (a: number, b: number): number =>
    Math.abs((points[a] ?? 0) - (points[b] ?? 0)) + Math.abs((points[a + 1] ?? 0) - (points[b + 1] ?? 0));
  return Math.min(CORNER_RADIUS, leg(i - 2, i) / 2, leg(i, i + 2) / 2);
}

/** The same as rectangles without corners: from afar nobody sees them, and it is several times faster. */
function fillWire(context: CanvasRenderingContext2D, points: readonly number[], lineWidth: number): void {
  const half = lineWidth / 2;
  for (let i = 0; i + 3 < points.length; i += 2) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = points.slice(i, i + 4);
    context.fillRect(
      Math.min(x0, x1) - half,
      Math.min(y0, y1) - half,
      Math.abs(x1 - x0) + lineWidth,
      Math.abs(y1 - y0) + lineWidth,
    );
  }
}
