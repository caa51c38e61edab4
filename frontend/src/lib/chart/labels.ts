/** Labels of the time axis: hours in the exchange's time, longer bars by their first day. */
import { dateOf, dayOf, monthAndDayOf, monthAndYearOf, timeOf, zoneOf } from '#lib/time/format.ts';
import type { Interval } from '#lib/chart/view.ts';

/** The kinds of marks on the axis, as the chart numbers them. */
const YEAR = 0;
const MONTH = 1;
const DAY = 2;

/** The label of a mark at an instant (Unix seconds): at most eight characters, or neighbours overlap. */
export function markOf(seconds: number, kind: number, interval: Interval): string {
  const instant = seconds * 1000;
  if (kind === YEAR) return dateOf(instant).slice(-4);
  if (kind === MONTH && interval !== '1h') return monthAndDayOf(instant).slice(0, 3);
  if (kind === MONTH || kind === DAY) return monthAndDayOf(instant);
  return timeOf(instant);
}

/** What a bar that starts at an instant (Unix seconds) is called: Fri, Nov 27, 12:30 EST; week of Nov 23, 2026. */
export function nameOf(seconds: number, interval: Interval): string {
  const instant = seconds * 1000;
  switch (interval) {
    case '1h':
      return `${dayOf(instant)}, ${timeOf(instant)} ${zoneOf(instant)}`;
    case '1d':
      return `${dayOf(instant)}, ${dateOf(instant).slice(-4)}`;
    case '1w':
      return `Week of ${dateOf(instant)}`;
    case '1mo':
      return monthAndYearOf(instant);
  }
}
