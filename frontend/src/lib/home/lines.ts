/** Sparklines from the closes of all stocks: earlier sessions, the newest one, and the previous close. */
import type { Closes, Latest } from '#lib/api/shapes.ts';
import { isoDayOf } from '#lib/time/format.ts';

export interface Line {
  before: number[];
  today: number[];
  base: number | null;
}

/** The line of each ticker. “Today” is the session of its own newest bar. */
export function linesByTicker(closes: Closes, latest: Latest): Map<string, Line> {
  const lines = new Map<string, Line>();
  const days = new Map<string, string>();
  for (const { ticker, datetime, previous_close } of latest.items) {
    lines.set(ticker, { before: [], today: [], base: previous_close });
    days.set(ticker, isoDayOf(datetime));
  }
  for (const { ticker, datetime, close } of closes.items) {
    const line = lines.get(ticker);
    if (line) (isoDayOf(datetime) === days.get(ticker) ? line.today : line.before).push(close);
  }
  return lines;
}
