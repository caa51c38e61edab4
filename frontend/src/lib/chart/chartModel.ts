/** Model of a chart, before anything is drawn: places on the axis, indicators, a comparison, and insights. */
import type { Bar, Coverage } from '#lib/api/shapes.ts';
import { isoDayOf } from '#lib/time/format.ts';
import { isKnown, valuesAt, type Averages, type IndicatorValues } from '#lib/chart/indicators.ts';
import { lastBegun, placesOf, type Missing, type Place } from '#lib/chart/timeline.ts';
import { firstDay } from '#lib/chart/ranges.ts';
import type { Average, Interval, Kind, View } from '#lib/chart/view.ts';

/** A mark at a bar: an insight by its sentiment, a split, or figures in which two sources differ. */
export interface Mark {
  /** Unix seconds: the start of the bar. */
  time: number;
  kind: 'positive' | 'negative' | 'neutral' | 'split' | 'difference';
  text?: string;
}

/** Another price on the same axis. */
export interface Comparison {
  name: string;
  /** Closes by the Unix second at which their bar begins. */
  closes: ReadonlyMap<number, number>;
}

export interface ChartModel {
  /** The same for a newer model of the same thing. */
  key: string;
  interval: Interval;
  places: readonly Place<Bar>[];
  /** The index of the first place that is shown at first; those before it are there to be scrolled to. */
  first: number;
  /** By name, one value a place. */
  averages: Partial<Record<Average, Averages>>;
  rsi: Averages | null;
  macd: { macd: Averages; signal: Averages } | null;
  /** What the lines have their values from. */
  indicators: IndicatorValues;
  compared: { name: string; values: Averages } | null;
  kind: Kind;
  logarithmic: boolean;
  /** The close before the newest session. */
  base: number | null;
  marks: readonly (Mark & { place: number })[];
}

/** The places of a view, and the index of the first that it shows: the bars requested may reach further back. */
export function placesIn(
  view: View,
  bars: readonly Bar[],
  coverage: Coverage | null,
): { places: Place<Bar>[]; first: number } {
  const places = placesOf(bars, coverage ? missingOf(coverage, view.interval) : []);
  const last = bars.at(-1);
  const from = last ? firstDay(view.range, isoDayOf(last.end)) : null;
  // Midnight in Greenwich lies between one session and the next.
  const since = from === null ? -Infinity : Date.parse(from) / 1000;
  return {
    places,
    first: Math.max(
      places.findIndex((place) => place.time >= since),
      0,
    ),
  };
}

/** Builds the model of a view from the bars requested. */
export function buildChartModel(
  ticker: string,
  view: View,
  bars: readonly Bar[],
  coverage: Coverage | null,
  marks: readonly Mark[],
  {
    base = null,
    comparison = null,
    indicators = new Map(),
  }: { base?: number | null; comparison?: Comparison | null; indicators?: IndicatorValues | undefined } = {},
): ChartModel {
  const { places, first } = placesIn(view, bars, coverage);
  return {
    key: [ticker, view.range, view.interval].join(' '),
    interval: view.interval,
    places,
    first,
    averages: Object.fromEntries(
      view.averages
        .filter((name) => isKnown(name, view.interval))
        .map((name) => [name, valuesAt(indicators, name, places)]),
    ),
    rsi: view.oscillators.includes('rsi') ? valuesAt(indicators, 'rsi', places) : null,
    macd: view.oscillators.includes('macd')
      ? { macd: valuesAt(indicators, 'macd', places), signal: valuesAt(indicators, 'signal', places) }
      : null,
    indicators,
    compared: comparison && {
      name: comparison.name,
      values: places.map(({ time, bar }) => (bar ? (comparison.closes.get(time) ?? null) : null)),
    },
    kind: view.kind,
    logarithmic: view.logarithmic,
    base,
    marks: marks.map((mark) => ({ ...mark, place: lastBegun(places, mark.time) })).filter(({ place }) => place >= 0),
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
