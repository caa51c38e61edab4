/** Date and time formats in the reader's time zone, New York's unless set otherwise; daylight saving comes from the browser. */

export const ZONE = 'America/New_York';

type Instant = string | number | Date;
type Part = 'weekday' | 'month' | 'day' | 'year' | 'hour' | 'minute' | 'timeZoneName';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MOST_KEPT = 10_000;

let shown: string | undefined = ZONE;

/** The zone in which times are shown; undefined is the device's. */
export const zone = {
  set(to: string | undefined): void {
    shown = to;
  },
};

type Parts = Record<Part, string>;

interface Format {
  partsOf: (time: number) => Parts;
  kept: Map<number, Parts>;
}
const formats = new Map<string | undefined, Format>();

/** The parts of an instant in a zone. */
function partsOf(instant: Instant, within = shown): Parts {
  const time = typeof instant === 'number' ? instant : new Date(instant).getTime();
  let format = formats.get(within);
  if (!format) formats.set(within, (format = { partsOf: formatIn(within), kept: new Map() }));
  let parts = format.kept.get(time);
  if (parts) return parts;
  parts = format.partsOf(time);
  if (format.kept.size >= MOST_KEPT) format.kept.clear();
  format.kept.set(time, parts);
  return parts;
}

const formatIn = (zone: string | undefined): Format['partsOf'] =>
  zone === ZONE && 'Temporal' in globalThis ? newYorkPartsOf : formattedIn(zone);

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const DAYLIGHT = '-04:00';

/** The parts in New York: Temporal has them at once, while the first format that a browser makes costs a phone 80 ms. */
export function newYorkPartsOf(time: number): Parts {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.trunc(time)).toZonedDateTimeISO(ZONE);
  return {
    weekday: DAYS[at.dayOfWeek - 1] ?? '',
    month: MONTHS[at.month - 1] ?? '',
    day: String(at.day),
    year: String(at.year),
    hour: two(at.hour),
    minute: two(at.minute),
    timeZoneName: at.offset === DAYLIGHT ? 'EDT' : 'EST',
  };
}

/** The same in any zone and browser, by a format that is made once. */
export function formattedIn(timeZone: string | undefined): Format['partsOf'] {
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  });
  return (time) =>
    Object.fromEntries(formatter.formatToParts(time).map(({ type, value }) => [type, value])) as unknown as Parts;
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
/** 2026-11-20: the day at the exchange, whatever zone is shown */
export function isoDayOf(instant: Instant): string {
  const { year, month, day } = partsOf(instant, ZONE);
  return `${year}-${two(MONTHS.indexOf(month) + 1)}-${two(day)}`;
}
/** EST or EDT */
export const zoneOf = (instant: Instant): string => partsOf(instant).timeZoneName;
/** Fri, Nov 20, 16:00 */
export const dayAndTimeOf = (instant: Instant): string => `${dayOf(instant)}, ${timeOf(instant)}`;

const WEEKDAYS: Record<string, string> = {
  Mon: 'Monday',
  Tue: 'Tuesday',
  Wed: 'Wednesday',
  Thu: 'Thursday',
  Fri: 'Friday',
  Sat: 'Saturday',
  Sun: 'Sunday',
};
/** Friday: the day at the exchange */
export const weekdayOf = (instant: Instant): string => WEEKDAYS[partsOf(instant, ZONE).weekday] ?? '';

/** The time alone when an instant is of the same day at the exchange as *now*, else with its day. */
export function shortly(instant: Instant, now: number): string {
  return isoDayOf(instant) === isoDayOf(now) ? timeOf(instant) : dayAndTimeOf(instant);
}

const WEEK_MS = 6 * 86_400_000;

/** Thursday’s close, or the close on Nov 12 when that is longer than a week before *now*. */
export function closeOf(instant: Instant | null, now: number): string {
  if (instant === null) return 'the previous close';
  const recent = now - new Date(instant).getTime() < WEEK_MS;
  return recent ? `${weekdayOf(instant)}’s close` : `the close on ${monthAndDayOf(instant)}`;
}
