/** Requests of the page of one stock. */
import type { Resource } from '#lib/api/resource.svelte.ts';
import { resource } from '#lib/api/resources.ts';
import { Insights } from '#lib/api/insights.ts';
import { Bars, Closes, Coverage, Disagreements, Profile, Splits } from '#lib/api/shapes.ts';
import { barsOf } from '#lib/chart/ranges.ts';
import type { Interval, Range, View } from '#lib/chart/view.ts';

/** Sessions that one answer of /coverage lists. */
const MOST_SESSIONS = 400;
const DAY_MS = 86_400_000;

export const profileOf = (ticker: string): Resource<typeof Profile> =>
  resource(`/tickers/${ticker}`, Profile, { kept: true });

/** The newest bars, enough of them for the view: a path that stays the same while days pass. */
export const barsFor = (ticker: string, { range, interval }: View): Resource<typeof Bars> =>
  resource(`/ohlc/${ticker}?interval=${interval}&limit=${barsOf(range, interval)}`, Bars, { kept: range === '1M' });

/** A year of days: key figures and performance. */
export const daysOf = (ticker: string): Resource<typeof Bars> =>
  resource(`/ohlc/${ticker}?interval=1d&limit=254`, Bars, { kept: true });

/** The daily close of every stock on one day. */
export const closesOn = (day: string, next: string): Resource<typeof Closes> =>
  resource(`/ohlc?interval=1d&start=${day}&end=${next}`, Closes);

const SESSIONS: Record<Range, string> = {
  '1D': 'interval=1h&limit=21',
  '1W': 'interval=1h&limit=36',
  '1M': 'interval=1d&limit=24',
  '3M': 'interval=1d&limit=66',
  '1Y': 'interval=1w&limit=54',
  All: 'interval=1w&limit=54',
};
/** Closes of every stock over a range, for their average: by the hour for a week, by the day, then by the week. */
export const closesFor = (range: Range): Resource<typeof Closes> => resource(`/ohlc?${SESSIONS[range]}`, Closes);

export const insightsOf = (ticker: string): Resource<typeof Insights> =>
  resource(`/insights?ticker=${ticker}`, Insights, { kept: true });

export const splitsOf = (ticker: string): Resource<typeof Splits> => resource(`/splits?ticker=${ticker}`, Splits);

export const disagreementsOf = (ticker: string): Resource<typeof Disagreements> =>
  resource(`/disagreements?tickers=${ticker}&limit=50`, Disagreements);

/** Which hours are missing since the bar that starts at `first` (RFC 3339), as far back as one answer goes. */
export function coverageOf(ticker: string, first: string, last: string): Resource<typeof Coverage> {
  const farthest = new Date(Date.parse(last) - (MOST_SESSIONS * 7 * DAY_MS) / 5).toISOString();
  return resource(`/coverage?tickers=${ticker}&start=${first < farthest ? farthest.slice(0, 10) : first}`, Coverage);
}

/** The address of exactly the bars that are shown: from the one that starts at `first` (RFC 3339) to the newest. */
export function tableAddress(ticker: string, interval: Interval, first: string, format: 'csv' | 'json'): string {
  return `/ohlc/${ticker}?interval=${interval}&start=${first}&limit=5000${format === 'csv' ? '&format=csv' : ''}`;
}
