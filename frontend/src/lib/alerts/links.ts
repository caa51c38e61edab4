/** Addresses of the bar of a firing. */
import type { Firing } from '#lib/alerts/requests.ts';
import { addressOf } from '#lib/api/fetching.ts';
import { isoDayOf } from '#lib/time/format.ts';

const DAY_MS = 86_400_000;
/** Days that each range of a chart surely shows; hours can be shown in all of them. */
const RANGES = [
  [5, '1W'],
  [28, '1M'],
  [85, '3M'],
  [360, '1Y'],
] as const;

type BarOfFiring = Pick<Firing, 'ticker' | 'bar'>;

/** The page of the stock with its chart at the bar, in the shortest range that shows it at *now* (ms since 1970). */
export function chartOf({ ticker, bar }: BarOfFiring, now: number): string {
  const days = (now - Date.parse(bar.start)) / DAY_MS;
  const range = isoDayOf(bar.start) === isoDayOf(now) ? '1D' : (RANGES.find(([most]) => days <= most)?.[1] ?? 'All');
  return `/stocks/${encodeURIComponent(ticker)}?range=${range}&interval=1h&at=${bar.start}`;
}

/** The bar, or the insights of its day, in the API. */
export const apiOf = ({ bar }: BarOfFiring): string => addressOf(bar.link);
