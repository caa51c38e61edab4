/** Requests of the page of one stock. */
import type { Resource } from '#lib/api/resource.svelte.ts';
import { resource } from '#lib/api/resources.ts';
import { Insights } from '#lib/api/insights.ts';
import { Bars, Closes, Coverage, Disagreements, Indicators, Profile, Splits } from '#lib/api/shapes.ts';
import { askedBy } from '#lib/chart/indicators.ts';
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

/** The indicators that a view shows, at the same bars; null for none. */
export function indicatorsFor(ticker: string, view: View): Resource<typeof Indicators> | null {
  const asked = askedBy(view);
  const { range, interval } = view;
  const path = `/indicators/${ticker}?interval=${interval}&limit=${barsOf(range, interval)}`;
  return asked === null ? null : resource(`${path}&indicators=${asked}`, Indicators);
}

/** A year of days: key figures and performance. */
export const daysOf = (ticker: string): Resource<typeof Bars> =>
  resource(`/ohlc/${ticker}?interval=1d&limit=254`, Bars, { kept: true });

/** The daily close of every stock on one day. */
export const closesOn = (day: string, next: string): Resource<typeof Closes> =>
  resource(`/ohlc?interval=1d&start=${day}&end=${next}`, Closes);

/** Most bars of all tickers together that one answer of /ohlc holds. */
const MOST_BARS = 5000;
/** Bars that fill a range, the shortest bars first. */
const FILLS: Record<Range, readonly [Interval, number][]> = {
  '1D': [
    ['1h', 21],
    ['1d', 4],
  ],
  '1W': [
    ['1h', 36],
    ['1d', 7],
  ],
  '1M': [
    ['1d', 24],
    ['1w', 6],
  ],
  '3M': [
    ['1d', 66],
    ['1w', 15],
    ['1mo', 5],
  ],
  '1Y': [
    ['1w', 54],
    ['1mo', 14],
  ],
  All: [
    ['1w', 54],
    ['1mo', 14],
  ],
};

/** Closes of every stock over a range, for their average: the shortest bars of which one answer holds enough. */
export function closesFor(range: Range, stocks: number): Resource<typeof Closes> {
  const most = Math.floor(MOST_BARS / Math.max(stocks, 1));
  const [interval, bars] = FILLS[range].find(([, count]) => count <= most) ?? FILLS[range].at(-1) ?? ['1mo', 1];
  return resource(`/ohlc?interval=${interval}&limit=${Math.min(bars, most)}`, Closes);
}

export const insightsOf = (ticker: string): Resource<typeof Insights> =>
  resource(`/insights?ticker=${ticker}`, Insights, { kept: true });

export const splitsOf = (ticker: string): Resource<typeof Splits> => resource(`/splits?ticker=${ticker}`, Splits);

export const disagreementsOf = (ticker: string): Resource<typeof Disagreements> =>
  resource(`/disagreements?tickers=${ticker}&limit=50`, Disagreements);

/** Which hours are missing since the bar that starts at `first` (RFC 3339), as far back as one answer goes. */
function coverageOf(ticker: string, first: string, last: string): Resource<typeof Coverage> {
  const farthest = new Date(Date.parse(last) - (MOST_SESSIONS * 7 * DAY_MS) / 5).toISOString();
  return resource(`/coverage?tickers=${ticker}&start=${first < farthest ? farthest.slice(0, 10) : first}`, Coverage);
}

/** The coverage of the hours behind these bars; null for none. */
export function coverageFor(ticker: string, bars: Bars | null): Resource<typeof Coverage> | null {
  const [first, last] = [bars?.items[0], bars?.items.at(-1)];
  return first && last ? coverageOf(ticker, first.datetime, last.end) : null;
}

/** The address of exactly the bars that are shown: from the one that starts at `first` (RFC 3339) to the newest. */
export function tableAddress(ticker: string, interval: Interval, first: string, format: 'csv' | 'json'): string {
  return `/ohlc/${ticker}?interval=${interval}&start=${first}&limit=5000${format === 'csv' ? '&format=csv' : ''}`;
}
