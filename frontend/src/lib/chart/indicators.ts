/** Indicators as the API computes them: the values that a view asks for, by the Unix second at which their bar begins. */
import type { Indicators } from '#lib/api/shapes.ts';
import type { Average, Interval, Oscillator, View } from '#lib/chart/view.ts';

/** One value a place of the axis; null where there are too few bars, or none. */
export type Averages = (number | null)[];
/** Values and reasons of one indicator at one bar. */
type Item = Indicators['items'][number];
export type IndicatorValues = ReadonlyMap<number, Item>;

/** What the API is asked for, and the names of its values. */
const ASKED: Record<Average | Oscillator, string> = {
  sma: 'sma:20',
  ema: 'ema:20',
  vwap: 'vwap',
  rsi: 'rsi:14',
  macd: 'macd:12:26:9',
};
export const COLUMNS = {
  sma: 'sma_20',
  ema: 'ema_20',
  vwap: 'vwap',
  rsi: 'rsi_14',
  macd: 'macd_12_26_9',
  signal: 'macd_signal_12_26_9',
} as const;
export type Line = keyof typeof COLUMNS;

/** Whether an indicator means anything: VWAP is counted through a session, hour by hour. */
export function isKnown(name: Average | Oscillator, interval: Interval): boolean {
  return name !== 'vwap' || interval === '1h';
}

/** The parameter of the API for the indicators of a view; null for none. */
export function askedBy({ averages, oscillators, interval }: View): string | null {
  const names = [...averages, ...oscillators].filter((name) => isKnown(name, interval));
  return names.length ? names.map((name) => ASKED[name]).join(',') : null;
}

/** The items of a response by the start of their bar. */
export function byBar({ items }: Indicators): IndicatorValues {
  return new Map(items.map((item) => [item.timestamp, item]));
}

/** The values of a line at each place. */
export function valuesAt(values: IndicatorValues, line: Line, places: readonly { time: number }[]): Averages {
  return places.map(({ time }) => values.get(time)?.values[COLUMNS[line]] ?? null);
}

/** Why the value of a line at a bar rests on less than it should; null where it does not. */
export function lackOf(values: IndicatorValues, line: Line, time: number): string | null {
  return values.get(time)?.incomplete[COLUMNS[line]]?.replace('-', ' ') ?? null;
}

/**
 * The change in percent over the places from *first* on, to the last value: since the value before them, or where there is
 * none since *opening*, or since their first value.
 */
export function changeOver(values: Averages, first: number, opening: number | null = null): number | null {
  const known = (value: number | null) => value !== null;
  const base = values.slice(0, first).findLast(known) ?? opening ?? values.slice(first).find(known);
  const last = values.findLast(known);
  return base && last ? (last / base - 1) * 100 : null;
}
