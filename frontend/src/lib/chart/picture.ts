/** What a chart shows, before anything is drawn: places, averages over them, and insights beside them. */
import type { Bar, Coverage } from '#lib/api/shapes.ts';
import { isoDayOf } from '#lib/time/newyork.ts';
import { exponentialAverage, simpleAverage, volumeWeightedAverage, type Averages } from '#lib/chart/indicators.ts';
import { lastBegun, placesOf, type Missing, type Place } from '#lib/chart/timeline.ts';
import { firstDay } from '#lib/chart/windows.ts';
import type { Average, Interval, View } from '#lib/chart/view.ts';

/** Bars that a simple and an exponential average look back on. */
export const LENGTH = 20;

export interface Insight {
  /** Unix seconds: the start of the newest bar that it rests on. */
  time: number;
  sentiment: string;
}

export interface Picture {
  /** Tells pictures of different things apart; a newer one of the same thing has the same key. */
  key: string;
  interval: Interval;
  places: readonly Place<Bar>[];
  /** The index of the first place that is shown at first; those before it are there to be scrolled to. */
  first: number;
  /** By name, one value a place. */
  averages: Partial<Record<Average, Averages>>;
  insights: readonly { place: number; sentiment: string }[];
}

/** Composes the picture of a view from the bars asked for, which may reach further back than it does. */
export function compose(
  ticker: string,
  view: View,
  bars: readonly Bar[],
  coverage: Coverage | null,
  insights: readonly Insight[],
): Picture {
  const places = placesOf(bars, coverage ? missingOf(coverage, view.interval) : []);
  const last = bars.at(-1);
  const from = last ? firstDay(view.range, isoDayOf(last.end)) : null;
  // Midnight in Greenwich lies between one session and the next.
  const since = from === null ? -Infinity : Date.parse(from) / 1000;
  const first = places.findIndex((place) => place.time >= since);
  return {
    key: [ticker, view.range, view.interval].join(' '),
    interval: view.interval,
    places,
    first: Math.max(first, 0),
    averages: Object.fromEntries(
      view.averages.filter((name) => isKnown(name, view.interval)).map((name) => [name, averageOver(name, places)]),
    ),
    insights: insights
      .map(({ time, sentiment }) => ({ place: lastBegun(places, time), sentiment }))
      .filter(({ place }) => place >= 0),
  };
}

/** Hours that are missing, or days of which every hour is. */
function missingOf(coverage: Coverage, interval: Interval): Missing[] {
  if (interval === '1h')
    return coverage.items.flatMap((session) =>
      session.missing.map(({ datetime, why }) => ({ time: Date.parse(datetime) / 1000, why })),
    );
  if (interval !== '1d') return [];
  return coverage.items
    .filter(({ expected, present }) => expected > 0 && present === 0)
    .map(({ datetime, missing }) => ({ time: Date.parse(datetime) / 1000, why: missing[0]?.why ?? 'not_fetched' }));
}

/** Tells whether an average means anything: what was paid on average is counted through a session, hour by hour. */
export function isKnown(name: Average, interval: Interval): boolean {
  return name !== 'vwap' || interval === '1h';
}

/** The values of an average at each place: it goes over the bars there are, and has none where a bar is missing. */
function averageOver(name: Average, places: readonly Place<Bar>[]): Averages {
  const bars = places.flatMap(({ bar }) => bar ?? []);
  const values = {
    sma: () => simpleAverage(bars, LENGTH),
    ema: () => exponentialAverage(bars, LENGTH),
    vwap: () => volumeWeightedAverage(bars, (bar) => bar.datetime.slice(0, 10)),
  }[name]();
  let next = 0;
  return places.map(({ bar }) => (bar ? (values[next++] ?? null) : null));
}
