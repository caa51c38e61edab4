/** Performance over periods: the close to count from for each. Periods are those of the chart, and the year so far. */
import type { Bar } from '#lib/api/shapes.ts';
import { firstDay } from '#lib/chart/ranges.ts';
import { isoDayOf } from '#lib/time/format.ts';

export const PERIODS = ['1W', '1M', '3M', 'YTD', '1Y'] as const;
export type Period = (typeof PERIODS)[number];

/** The daily bar whose close a period counts from: the last one before its first day; null where none is stored. */
export function baseBar(days: readonly Bar[], period: Period): Bar | null {
  const last = days.at(-1);
  if (!last) return null;
  const newest = isoDayOf(last.datetime);
  const first = period === 'YTD' ? `${newest.slice(0, 4)}-01-01` : firstDay(period, newest);
  return days.findLast((bar) => first !== null && isoDayOf(bar.datetime) < first) ?? null;
}

export const dayAfter = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
