/** Sparklines: a place for each hour, the newest session apart from the ones before it. */
import type { Latest, Overview } from '#lib/api/shapes.ts';
import { isoDayOf } from '#lib/time/format.ts';

export interface Line {
  /** One value for each hour; null where the bar is missing. */
  values: readonly (number | null)[];
  /** The place of the first hour of the newest session. */
  today: number;
  base: number | null;
}

/** The line of each ticker. Its newest session is that of its own newest bar. */
export function linesByTicker(overview: Overview, latest: Latest): Map<string, Line> {
  const days = overview.hours.map(({ datetime }) => isoDayOf(datetime));
  const closes = new Map(overview.items.map((company) => [company.ticker, company.closes]));
  return new Map(
    latest.items.map(({ ticker, datetime, previous_close }) => {
      const today = days.indexOf(isoDayOf(datetime));
      const values = closes.get(ticker) ?? [];
      return [ticker, { values, today: today < 0 ? values.length : today, base: previous_close }];
    }),
  );
}
