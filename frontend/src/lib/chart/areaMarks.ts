/** Marks of a plain area chart, with the shapes and sizes that the charting library gives them. */
import type { AreaLayout, Label } from '#lib/chart/areaLayout.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { looksOf, type Look } from '#lib/chart/markers.ts';
import type { Palette } from '#lib/chart/palette.ts';

// In pixels.
const SMALLEST_SHAPE = 12;
const LARGEST_SHAPE = 30;
const SHAPE_GAP = 3;

const odd = (value: number): number => Math.ceil(value) - (Math.ceil(value) % 2 === 0 ? 1 : 0);
export const even = (value: number): number => Math.ceil(value) - (Math.ceil(value) % 2 === 0 ? 0 : 1);
export const tenths = (value: number): number => Number(value.toFixed(1));

/** Sizes of marks between places that are *spacing* apart. */
export function shapeOf(spacing: number): { height: number; gap: number } {
  const side = Math.min(Math.max(spacing, SMALLEST_SHAPE), LARGEST_SHAPE);
  return { height: even(odd(side)), gap: Math.max(odd(side / 10), SHAPE_GAP) };
}

interface Drawn {
  from: number;
  closes: readonly (number | null)[];
  x: (index: number) => number;
  y: (price: number) => number;
  spacing: number;
  font: number;
}

/** The marks of a model, those at one bar above each other, as one path for each colour, and their texts. */
export function marksOf(
  model: ChartModel,
  { from, closes, x, y, spacing, font }: Drawn,
): { marks: AreaLayout['marks']; texts: Label[] } {
  const shape = shapeOf(spacing);
  const paths = new Map<keyof Palette, string>();
  const texts: Label[] = [];
  const taken = new Map<string, number>();
  for (const { place, text, look } of looksOf(model)) {
    // A mark at a missing hour stands at the bar before it.
    const before = closes.slice(0, place + 1).findLastIndex((close) => close !== null);
    const index = before < 0 ? closes.findIndex((close) => close !== null) : before;
    if (index < from) continue;
    const size = shape.height * look.size;
    const side = look.position === 'aboveBar' ? -1 : 1;
    const key = `${index} ${look.position}`;
    const offset = taken.get(key) ?? shape.gap;
    const middle = tenths(y(closes[index] ?? 0) + side * (size / 2 + offset));
    const center = Math.round(x(index)) + 0.5;
    let used = size + shape.gap;
    if (text) {
      const away = size / 2 + font * 0.6 + (side > 0 ? shape.gap : 0);
      texts.push({ x: center, y: tenths(middle + side * away), text, anchor: 'middle', kind: 'mark' });
      used += font * 1.2;
    }
    taken.set(key, offset + used);
    paths.set(look.color, (paths.get(look.color) ?? '') + shapePath(look.shape, center, middle, size));
  }
  return { marks: [...paths].map(([colour, path]) => ({ colour, path })), texts };
}

/** The path of a mark around a point. */
export function shapePath(shape: Look['shape'], x: number, y: number, size: number): string {
  const whole = Math.max(size, SMALLEST_SHAPE);
  if (shape === 'circle') {
    const radius = (odd(whole * 0.8) - 1) / 2;
    return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`;
  }
  if (shape === 'square') {
    const side = odd(whole * 0.7);
    return `M${x - (side - 1) / 2} ${y - (side - 1) / 2}h${side}v${side}h${-side}Z`;
  }
  const half = (odd(whole) - 1) / 2;
  const stem = (odd(size / 2) - 1) / 2;
  const up = shape === 'arrowUp' ? 1 : -1;
  return `M${x - half} ${y}l${half} ${-up * half}l${half} ${up * half}h${stem - half}v${up * half}h${-2 * stem}v${-up * half}Z`;
}
