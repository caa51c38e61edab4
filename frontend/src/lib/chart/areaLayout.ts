/** Layout of a plain area chart: where the charting library would draw each part, so that it can take over without a shift. */
import { even, marksOf, shapeOf, shapePath, tenths } from '#lib/chart/areaMarks.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { frameOf, HALF_LABEL, isLabelled } from '#lib/chart/frame.ts';
import { markOf } from '#lib/chart/labels.ts';
import { lineData } from '#lib/chart/lineData.ts';
import { looksOf, type Look } from '#lib/chart/markers.ts';
import type { Palette } from '#lib/chart/palette.ts';
import { priceTicks, timeTicks } from '#lib/chart/ticks.ts';
import { priceOf } from '#lib/figures.ts';

/** The place that a chart has, and the text in it. */
export interface Room {
  width: number;
  height: number;
  /** The size of the reader's text: 2 for 200 %. */
  zoom: number;
}

export interface Label {
  x: number;
  y: number;
  text: string;
  anchor: 'start' | 'middle';
  kind: 'tick' | 'base' | 'last' | 'mark';
}

export interface AreaLayout {
  width: number;
  height: number;
  /** The bounds of the prices; the axes lie to the right and below. */
  pane: { width: number; height: number };
  /** Paths. */
  line: string;
  area: string;
  /** A dot for each bar where they can be told apart, else empty. */
  dots: string;
  missing: string;
  grid: string;
  marks: { colour: keyof Palette; path: string }[];
  labels: Label[];
  /** The height of the previous close; null without one, or where it is out of view. */
  base: number | null;
  /** A dot at the newest bar. */
  end: string;
  falling: boolean;
  /** The index of the place at a distance from the left edge. */
  placeAt: (x: number) => number;
}

/** Points of a line that can be told apart. */
export const FEW = 40;
/** The size of the dot at the newest bar, as marks have theirs. */
export const END_SIZE = 0.7;
/** Shares of the height that stay free above and below the prices. */
export const MARGIN = 0.08;
/** Pixels at 100 % text: the distance of two labels on the price axis. */
export const APART = 15;

// What the library measures by, in pixels: some grow with the text.
const TICK = 5;
const FONT = 12;
const LABEL_HEIGHT = 17;

/** Widths in the page's typeface, in sizes of the text. The typeface comes after the prices: measuring would find another, and
    all would shift once it is there. */
const DIGIT = 0.6;
const SEPARATOR = 0.255;
/** The width of a price in sizes of the text. */
const widthOf = (text: string): number =>
  [...text].reduce((sum, sign) => sum + (/\d/.test(sign) ? DIGIT : SEPARATOR), 0);

const shown = (price: number): string => priceOf(Number(price.toFixed(2)));

/** True for a model of which nothing needs the charting library before a reader moves it. */
export const isPlain = ({ kind, logarithmic, compared, rsi, macd, averages }: ChartModel): boolean =>
  kind === 'area' && !logarithmic && !compared && !rsi && !macd && Object.keys(averages).length === 0;

/** The prices of the axis and their heights. */
interface Scale {
  y: (price: number) => number;
  price: (y: number) => number;
}

/** Lays out a plain model; null where there is no price or no room. */
export function layOutArea(model: ChartModel, { width, height, zoom }: Room): AreaLayout | null {
  const { places, first, base, interval } = model;
  const closes = places.map(({ bar }) => bar?.close ?? null);
  const last = closes.findLastIndex((close) => close !== null);
  const newest = closes[last] ?? null;
  if (newest === null) return null;
  const font = FONT * zoom;
  const paneHeight = height - Math.ceil(1 + TICK + (22 / 12) * font);
  const frame = frameOf(model);
  const from = Math.max(frame.from, 0);
  const seen = closes.slice(from).filter((close) => close !== null);
  const looks = looksOf(model);

  /** The scale of a pane with places *spacing* apart, which decides how large marks are. */
  const scaleOf = (spacing: number): Scale => {
    const shape = shapeOf(spacing);
    const room = shape.height * 1.5 + 2 * shape.gap;
    // The newest bar is a mark itself: it keeps half of the room.
    const at = (position: Look['position']) =>
      looks.some(({ look }) => look.position === position) ? room : Math.ceil(room / 2);
    const top = MARGIN * paneHeight + at('aboveBar');
    const bottom = MARGIN * paneHeight + at('belowBar');
    const flat = Math.min(...seen) === Math.max(...seen) ? 0.05 : 0;
    const low = Math.min(...seen) - flat;
    const span = Math.max(...seen) + flat - low;
    const inner = paneHeight - top - bottom - 1;
    return {
      y: (price) => paneHeight - 1 - bottom - (inner * (price - low)) / span,
      price: (y) => low + (span * (paneHeight - 1 - y - bottom)) / inner,
    };
  };
  const named = [...(base === null ? [] : [base]), newest];
  const covered = (scale: Scale, price: number) =>
    named.some((one) => Math.abs(scale.y(one) - scale.y(price)) < APART * zoom);
  const axisOf = (scale: Scale): number => {
    const ticks = priceTicks(scale, paneHeight, font).filter((price) => !covered(scale, price));
    const ends = [Math.floor(scale.price(paneHeight - 2)) + 0.11, Math.ceil(scale.price(1)) - 0.11];
    const widest = Math.max(...[...ticks, ...named, ...ends].map((price) => widthOf(shown(price)) * font));
    return even(Math.ceil(1 + TICK + (10 / 12) * font + 5 + widest) + 1);
  };

  const count = frame.to - frame.from + 1;
  // Wide places have larger marks, which move the prices, whose labels take their width from the places.
  const paneWidth = width - axisOf(scaleOf((width - 5 * font) / count));
  if (paneWidth < font || paneHeight < font) return null;
  const spacing = paneWidth / count;
  const scale = scaleOf(spacing);
  const x = (index: number): number => paneWidth - (frame.to - index + 0.5) * spacing - 1;
  const y = scale.y;
  const point = (index: number): string => `${tenths(x(index))} ${tenths(y(closes[index] ?? 0))}`;

  // One more place to the left, from which the line enters.
  const begin = Math.max(from - 1, 0);
  const runs: number[][] = [[]];
  for (const [index, { value, ends }] of lineData(places, closes).entries()) {
    if (value === null || index < begin) continue;
    runs.at(-1)?.push(index);
    if (ends) runs.push([]);
  }
  const drawn = runs.filter(({ length }) => length > 0);
  const line = drawn.map((run) => (run.length > 1 ? `M${run.map(point).join('L')}` : `M${run.map(point).join('')}h0`));
  const area = drawn
    .filter(({ length }) => length > 1)
    .map((run) => `M${run.map(point).join('L')}V${paneHeight}H${tenths(x(run[0] ?? 0))}Z`);

  const column = Math.max(Math.round(spacing) - (spacing > 1 ? 1 : 0), 1);
  const missing = places.flatMap(({ bar }, index) =>
    bar || index < begin ? [] : `M${Math.round(x(index)) - (column >> 1)} 0h${column}V${paneHeight}h-${column}Z`,
  );

  const ticks = priceTicks(scale, paneHeight, font);
  const right = paneWidth + Math.round(TICK + (5 / 12) * font);
  const newestLabels = namedLabels(base, newest, y, paneHeight, LABEL_HEIGHT * zoom).map((label): Label => ({
    ...label,
    x: right,
    anchor: 'start',
  }));
  const free = (price: number): boolean =>
    !covered(scale, price) && newestLabels.every((label) => Math.abs(label.y - y(price)) >= APART * zoom);
  const below = paneHeight + 1 + TICK + (9 / 12) * font;

  const { marks, texts } = marksOf(model, { from, x, closes, y, spacing, font });
  return {
    width,
    height,
    pane: { width: paneWidth, height: paneHeight },
    line: line.join(''),
    area: area.join(''),
    dots:
      places.length - first > FEW
        ? ''
        : drawn
            .flat()
            .map((index) => `M${point(index)}h0`)
            .join(''),
    missing: missing.join(''),
    grid: ticks.map((price) => `M0 ${Math.round(y(price)) + 0.5}H${paneWidth}`).join(''),
    marks,
    labels: [
      ...ticks
        .filter(free)
        .map((price): Label => ({ x: right, y: tenths(y(price)), text: shown(price), anchor: 'start', kind: 'tick' })),
      ...timeTicks(places, Math.ceil(((font + 4) * 5) / spacing))
        .filter(
          ({ index }) => x(index) >= HALF_LABEL * zoom && (index < first || isLabelled(index, frame, paneWidth, zoom)),
        )
        .map(({ index, kind }): Label => ({
          x: tenths(x(index)),
          y: below,
          text: markOf(places[index]?.time ?? 0, kind, interval),
          anchor: 'middle',
          kind: 'tick',
        })),
      ...newestLabels,
      ...texts,
    ],
    base: base === null || y(base) < 0 || y(base) > paneHeight ? null : Math.round(y(base)) + 0.5,
    end: shapePath('circle', Math.round(x(last)) + 0.5, tenths(y(newest)), shapeOf(spacing).height * END_SIZE),
    falling: base !== null && newest < base,
    placeAt: (distance) => {
      const index = Math.round(frame.to + 0.5 - (paneWidth - 1 - distance) / spacing);
      return Math.min(Math.max(index, 0), places.length - 1);
    },
  };
}

/** The previous close and the newest price on the axis: the lower one moves down where they would overlap. */
function namedLabels(
  base: number | null,
  newest: number,
  y: (price: number) => number,
  bottom: number,
  height: number,
): Omit<Label, 'x' | 'anchor'>[] {
  const labels = [
    ...(base === null ? [] : [{ price: base, kind: 'base' as const }]),
    { price: newest, kind: 'last' as const },
  ]
    .map(({ price, kind }) => ({ kind, text: shown(price), y: y(price) }))
    .filter((label) => label.kind === 'last' || (label.y > -height / 2 && label.y < bottom + height / 2))
    .sort((one, other) => one.y - other.y);
  const [upper, lower] = labels;
  for (const label of labels) label.y = Math.min(Math.max(label.y, height / 2), bottom - height / 2);
  if (upper && lower && lower.y < upper.y + height) {
    lower.y = upper.y + height;
    const over = Math.max(lower.y + height / 2 - bottom, 0);
    upper.y -= over;
    lower.y -= over;
  }
  return labels.map((label) => ({ ...label, y: tenths(label.y) }));
}
