/** The average stock as a price: the mean of all stocks' changes since one bar, per bar. */
import type { Closes } from '#lib/api/shapes.ts';
import { lastBegun } from '#lib/chart/timeline.ts';

/**
 * The average of all stocks by the Unix second at which each bar ends, 100 at the last one before *from*, as a change over a
 * range is measured; where there is none, at the first one since.
 *
 * A bar counts stocks that have it and that first bar; it is left out when fewer than half of them do.
 */
export function averageOf(closes: Closes, from: number): Map<number, number> {
  const series = new Map<string, Map<number, number>>();
  const starts = new Map<number, number>();
  for (const { ticker, datetime, end, close } of closes.items) {
    const time = Date.parse(end) / 1000;
    const values = series.get(ticker) ?? new Map<number, number>();
    values.set(time, close);
    series.set(ticker, values);
    starts.set(time, Date.parse(datetime) / 1000);
  }
  const all = [...starts.keys()].sort((a, b) => a - b);
  const before = all.findLastIndex((time) => (starts.get(time) ?? 0) < from);
  const ordered = all.slice(Math.max(before, 0));
  const first = ordered[0];
  const average = new Map<number, number>();
  if (first === undefined) return average;
  for (const time of ordered) {
    const changes = [...series.values()].flatMap((values) => {
      const [base, close] = [values.get(first), values.get(time)];
      return base && close ? [close / base] : [];
    });
    if (changes.length * 2 > series.size)
      average.set(time, (100 * changes.reduce((sum, change) => sum + change, 0)) / changes.length);
  }
  return average;
}

/** The average at the bars of a chart, which may be shorter: each value at the last bar that had begun by then. */
export function placedAt(average: ReadonlyMap<number, number>, starts: readonly number[]): Map<number, number> {
  const places = starts.map((time) => ({ time }));
  return new Map(
    [...average].flatMap(([end, value]) => {
      const place = places[lastBegun(places, end - 1)];
      return place ? [[place.time, value] as const] : [];
    }),
  );
}
