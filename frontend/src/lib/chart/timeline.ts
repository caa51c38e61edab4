/** Timeline of a chart: stored and missing bars in order. */

/** A bar that is not there, by its start in Unix seconds, and why, as /coverage says it. */
export interface Missing {
  time: number;
  why: string;
}

/** A place on the axis: a bar, or the reason why there is none. */
export type Place<Bar> = { time: number; bar: Bar; why: null } | { time: number; bar: null; why: string };

const REASONS: Record<string, string> = {
  none_at_provider: 'the provider has none',
  not_fetched: 'not fetched yet',
  rejected: 'what the provider sent was rejected',
};

/** A reason in words. */
export function reasonOf(why: string): string {
  return REASONS[why] ?? why;
}

/** The places of bars and of missing ones within their span, in order; where there is a bar, none is missing. */
export function placesOf<Bar extends { timestamp: number }>(
  bars: readonly Bar[],
  missing: readonly Missing[],
): Place<Bar>[] {
  const there = new Set(bars.map((bar) => bar.timestamp));
  const begin = bars[0]?.timestamp ?? Infinity;
  const gaps = missing.filter(({ time }) => time > begin && !there.has(time));
  const places: Place<Bar>[] = [
    ...bars.map((bar) => ({ time: bar.timestamp, bar, why: null })),
    ...gaps.map(({ time, why }) => ({ time, bar: null, why })),
  ];
  return places.sort((one, other) => one.time - other.time);
}

/** The index of the last place that has begun at an instant (Unix seconds), -1 when none has. */
export function lastBegun(places: readonly { time: number }[], time: number): number {
  return places.findLastIndex((place) => place.time <= time);
}
