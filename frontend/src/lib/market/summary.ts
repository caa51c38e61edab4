/** The market in one sentence: how many stocks rose, the average change, the day by the hour, and the sectors. */
import type { Overview, Quote } from '#lib/api/shapes.ts';
import { isoDayOf } from '#lib/time/format.ts';
import { newestChange, type Stock } from '#lib/market/stocks.ts';

export interface Breadth {
  up: number;
  down: number;
  flat: number;
  /** Stocks that have a change at all. */
  of: number;
  /** The mean of all changes, in percent. */
  average: number | null;
  /** Tickers with their change, the largest first. */
  sorted: readonly { ticker: string; percent: number }[];
}

const mean = (values: readonly number[]): number | null =>
  values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;

/** Breadth over the newest bars; stocks whose newest bar is older than the market's are left out. */
export function breadthOf(quotes: readonly Quote[]): Breadth {
  const sorted = quotes
    .map((quote) => ({ ticker: quote.ticker, percent: newestChange(quote) }))
    .filter((one): one is { ticker: string; percent: number } => one.percent !== null)
    .sort((a, b) => b.percent - a.percent);
  const up = sorted.filter(({ percent }) => percent > 0).length;
  const down = sorted.filter(({ percent }) => percent < 0).length;
  return {
    up,
    down,
    flat: sorted.length - up - down,
    of: sorted.length,
    average: mean(sorted.map(({ percent }) => percent)),
    sorted,
  };
}

export interface HourPoint {
  /** When the hour began and ended (RFC 3339). */
  start: string;
  end: string;
  percent: number;
  stocks: number;
}

/** The average stock's change since the previous close, for each hour of the newest session that has bars. */
export function dayOf({ hours, items }: Overview, quotes: readonly Quote[]): HourPoint[] {
  const bases = new Map(quotes.map(({ ticker, previous_close: base }) => [ticker, base]));
  const newest = quotes.reduce((latest, { datetime }) => (datetime > latest ? datetime : latest), '');
  if (!newest) return [];
  const day = isoDayOf(newest);
  return hours.flatMap(({ datetime: start, end }, place) => {
    if (isoDayOf(start) !== day) return [];
    const changes = items.flatMap(({ ticker, closes }) => {
      const [base, close] = [bases.get(ticker), closes[place]];
      return base && close ? (close / base - 1) * 100 : [];
    });
    const percent = mean(changes);
    return percent === null ? [] : { start, end, percent, stocks: changes.length };
  });
}

export interface Sector {
  name: string;
  members: readonly Stock[];
  /** The mean change of its stocks, in percent. */
  percent: number | null;
  millions: number;
}

/** Stocks with a company by sector, the largest sector and the largest company first. */
export function sectorsOf(stocks: readonly Stock[]): Sector[] {
  const size = ({ company }: Stock) => company?.market_cap_millions ?? 0;
  return [
    ...Map.groupBy(
      stocks.filter(({ company }) => company),
      ({ sector }) => sector,
    ),
  ]
    .map(([name, members]) => ({
      name,
      members: members.toSorted((a, b) => size(b) - size(a)),
      percent: mean(members.flatMap(({ quote }) => newestChange(quote) ?? [])),
      millions: members.reduce((sum, stock) => sum + size(stock), 0),
    }))
    .sort((a, b) => b.millions - a.millions);
}

const list = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
/** “energy falls”, but “industrials fall”. */
const verb = (stem: string, names: readonly { name: string }[]): string =>
  names.length > 1 || names[0]?.name.endsWith('s') ? stem : `${stem}s`;
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Which sectors lead and which do not: one sentence. */
export function leadersOf(sectors: readonly Sector[]): string {
  const moved = sectors
    .flatMap(({ name, percent }) => (percent === null ? [] : [{ name: name.toLowerCase(), percent }]))
    .sort((a, b) => b.percent - a.percent);
  if (moved.length < 3) return '';
  const names = (some: readonly { name: string }[]) => list(some.map(({ name }) => name));
  const falling = moved.filter(({ percent }) => percent < 0);
  const rising = moved.filter(({ percent }) => percent > 0);
  if (!falling.length) return sentence(`${names(moved.slice(0, 2))} lead; no sector falls.`);
  if (!rising.length) return sentence(`${names(moved.slice(-2).reverse())} lose most; no sector rises.`);
  if (falling.length <= 2)
    return sentence(`${names(moved.slice(0, 2))} lead; only ${names(falling)} ${verb('fall', falling)}.`);
  if (rising.length <= 2)
    return sentence(`only ${names(rising)} ${verb('rise', rising)}; ${names(moved.slice(-2).reverse())} lose most.`);
  return sentence(`${names(moved.slice(0, 2))} lead; ${names(moved.slice(-2).reverse())} lose most.`);
}
