/** Instants as the exchange's clock shows them. Zone rules come from the browser, daylight saving time included. */

export const ZONE = 'America/New_York';

type Instant = string | number | Date;
type Part = 'weekday' | 'month' | 'day' | 'year' | 'hour' | 'minute' | 'timeZoneName';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MOST_KEPT = 10_000;
const kept = new Map<number, Record<Part, string>>();
let format: Intl.DateTimeFormat | undefined;

/** Makes the format in a task of its own, before the first figures wait for it. */
export const warm = (): void => void setTimeout(() => partsOf(Date.now()));

/** Takes an instant apart. One format for all, made at first use: making one costs a phone 20 ms. */
function partsOf(instant: Instant): Record<Part, string> {
  const time = typeof instant === 'number' ? instant : new Date(instant).getTime();
  let parts = kept.get(time);
  if (parts) return parts;
  format ??= new Intl.DateTimeFormat('en-US', {
    timeZone: ZONE,
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  });
  parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value])) as Record<
    Part,
    string
  >;
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(time, parts);
  return parts;
}

const two = (number: string | number): string => String(number).padStart(2, '0');

/** 09:30 */
export function timeOf(instant: Instant): string {
  const { hour, minute } = partsOf(instant);
  return `${hour}:${minute}`;
}

/** Nov 20 */
export function monthAndDayOf(instant: Instant): string {
  const { month, day } = partsOf(instant);
  return `${month} ${day}`;
}

/** Nov 2026 */
export function monthAndYearOf(instant: Instant): string {
  const { month, year } = partsOf(instant);
  return `${month} ${year}`;
}

/** Fri, Nov 20 */
export const dayOf = (instant: Instant): string => `${partsOf(instant).weekday}, ${monthAndDayOf(instant)}`;
/** Nov 20, 2026 */
export const dateOf = (instant: Instant): string => `${monthAndDayOf(instant)}, ${partsOf(instant).year}`;
/** 2026-11-20: the day at the exchange */
export function isoDayOf(instant: Instant): string {
  const { year, month, day } = partsOf(instant);
  return `${year}-${two(MONTHS.indexOf(month) + 1)}-${two(day)}`;
}
/** EST or EDT */
export const zoneOf = (instant: Instant): string => partsOf(instant).timeZoneName;
/** Fri, Nov 20, 16:00 */
export const dayAndTimeOf = (instant: Instant): string => `${dayOf(instant)}, ${timeOf(instant)}`;

/** Returns the time alone when *instant* is of the same day at the exchange as *now*, else the day too. */
export function shortly(instant: Instant, now: number): string {
  return isoDayOf(instant) === isoDayOf(now) ? timeOf(instant) : dayAndTimeOf(instant);
}
