/** Ranges of a chart: the first day of each, and how many bars fill it. */
import type { Interval, Range } from '#lib/chart/view.ts';

/** Most bars that one answer holds. */
const MOST = 5000;
/** Bars of the longest month, quarter and year of sessions, an hourly session having seven. */
const MONTH: Record<Interval, number> = { '1h': 23 * 7, '1d': 23, '1w': 6, '1mo': 2 };
const QUARTER: Record<Interval, number> = { '1h': 66 * 7, '1d': 66, '1w': 15, '1mo': 5 };
const YEAR: Record<Interval, number> = { '1h': 254 * 7, '1d': 254, '1w': 54, '1mo': 14 };

/**
 * How many of the newest bars to ask for. Short ranges ask for a month: one answer serves them all, and averages have bars
 * to begin with.
 */
export function barsOf(range: Range, interval: Interval): number {
  if (range === 'All') return MOST;
  return (range === '1Y' ? YEAR : range === '3M' ? QUARTER : MONTH)[interval];
}

/** The first day at the exchange (2026-10-29) that a range shows when the newest bar is of the day `last`; null: all. */
export function firstDay(range: Range, last: string): string | null {
  switch (range) {
    case '1D':
      return last;
    case '1W':
      return daysBefore(last, 6);
    case '1M':
      return daysBefore(last, 29);
    case '3M':
      return monthsBefore(last, 3);
    case '1Y':
      return monthsBefore(last, 12);
    case 'All':
      return null;
  }
}

function daysBefore(day: string, count: number): string {
  const instant = new Date(`${day}T00:00:00Z`);
  instant.setUTCDate(instant.getUTCDate() - count);
  return instant.toISOString().slice(0, 10);
}

/** The same day some months earlier; the last one of a month that is too short for it. */
function monthsBefore(day: string, count: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const length = new Date(Date.UTC(year, month - count, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 - count, Math.min(date, length))).toISOString().slice(0, 10);
}
