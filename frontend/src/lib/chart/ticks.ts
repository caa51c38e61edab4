/**
 * Ticks of a chart's axes where the charting library has them: round prices, and the beginnings of years, months, days and hours.
 * The rules are those of lightweight-charts 5 (its span calculator of prices and its weights of times).
 */

/** Pixels between two prices, in sizes of the text. */
const DENSITY = 2.5;
/** Two decimals, the smallest step. */
const LEAST = 0.01;
const NOISE = 1e-14;
const STEPS = [
  [2, 2.5, 2],
  [2, 2, 2.5],
  [2.5, 2, 2],
] as const;

/** Divides *span* by one step after the other for as long as it is too large. */
function divided(span: number, most: number, steps: readonly number[], whole: boolean): number {
  for (let index = 0; ; index++) {
    const step = steps[index % steps.length] ?? 2;
    const enough = span - most * step <= -NOISE || span <= LEAST + NOISE || (whole && span - 1 <= -NOISE);
    if (enough) return span;
    span /= step;
  }
}

/** The distance of two prices on the axis, at least *most* / 2.5 apart. */
function stepOf(range: number, most: number): number {
  const first = 10 ** Math.max(0, Math.ceil(Math.log10(range)));
  const steps = STEPS.map((order) => {
    const span = Math.max(divided(first, most, order, true), 1);
    return Math.abs(span - 1) < NOISE ? divided(span, most, STEPS[0], false) : span;
  });
  return Math.min(...steps);
}

/** Round prices from the highest to the lowest whose labels fit into a pane whole. */
export function priceTicks(
  { y, price }: { y: (price: number) => number; price: (y: number) => number },
  height: number,
  font: number,
): number[] {
  const high = price(0);
  const low = price(height - 1);
  const apart = Math.ceil(font * DENSITY);
  const step = stepOf(high - low, ((high - low) * apart) / height);
  const ticks: number[] = [];
  for (let tick = high - (((high % step) + step) % step); tick > low; tick -= step) {
    const before = ticks.at(-1);
    if (before !== undefined && y(tick) - y(before) < apart) continue;
    if (y(tick) >= font / 2 && y(tick) <= height - 1 - font / 2) ticks.push(tick);
  }
  return ticks;
}

const HOUR = 3600;
/** Hours of the day at which a mark is more important than at others. */
const DIVISORS = [12, 6, 3, 1] as const;

interface Weighted {
  index: number;
  weight: number;
}

/** How much begins between two instants (Unix seconds): the more, the rather is it labelled. */
function weightOf(time: number, before: number): number {
  const [now, then] = [new Date(time * 1000), new Date(before * 1000)];
  if (now.getUTCFullYear() !== then.getUTCFullYear()) return 70;
  if (now.getUTCMonth() !== then.getUTCMonth()) return 60;
  if (now.getUTCDate() !== then.getUTCDate()) return 50;
  const index = DIVISORS.findIndex((hours) => Math.floor(before / HOUR / hours) !== Math.floor(time / HOUR / hours));
  return index < 0 ? 0 : 33 - index;
}

/** The kind of a mark, as the library numbers it: year, month, day or time. */
const kindOf = (weight: number): number => (weight >= 70 ? 0 : weight >= 60 ? 1 : weight >= 50 ? 2 : 3);

/** The places to label, at least *apart* from each other, with the kind of what begins there. */
export function timeTicks(places: readonly { time: number }[], apart: number): { index: number; kind: number }[] {
  const times = places.map(({ time }) => time);
  const [begin = 0, end = 0] = [times[0], times.at(-1)];
  const usual = Math.ceil((end - begin) / Math.max(times.length - 1, 1));
  const weighted: Weighted[] = times.map((time, index) => ({
    index,
    weight: weightOf(time, times[index - 1] ?? time - usual),
  }));
  let kept: Weighted[] = [];
  for (const weight of [...new Set(weighted.map((one) => one.weight))].sort((one, other) => other - one)) {
    const more: Weighted[] = [];
    let left = -Infinity;
    let next = 0;
    for (const one of weighted) {
      if (one.weight !== weight) continue;
      for (let heavier = kept[next]; heavier && heavier.index < one.index; heavier = kept[++next]) {
        more.push(heavier);
        left = heavier.index;
      }
      const right = kept[next]?.index ?? Infinity;
      if (right - one.index < apart || one.index - left < apart) continue;
      more.push(one);
      left = one.index;
    }
    kept = [...more, ...kept.slice(next)];
  }
  return kept.map(({ index, weight }) => ({ index, kind: kindOf(weight) }));
}
