/** Figures as they are shown: always with the digits that are stored, and never with those of binary arithmetic. */

/** A format that is made at its first use. */
function number(options: Intl.NumberFormatOptions): { format: (value: number) => string } {
  let made: Intl.NumberFormat | undefined;
  return { format: (value) => (made ??= new Intl.NumberFormat('en-US', options)).format(value) };
}

const price = number({ minimumFractionDigits: 2, maximumFractionDigits: 5 });
const percent = number({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
const short = number({ notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 1 });
const cap = number({ notation: 'compact', maximumSignificantDigits: 3 });
const whole = number({ maximumFractionDigits: 0 });

export type Direction = 'up' | 'down' | 'flat';

export const NONE = '–';
const MINUS = '−';

/** 1,234.50 */
export const priceOf = (value: number | null): string => (value === null ? NONE : price.format(value));
/** 12,345,678 */
export const wholeOf = (value: number | null): string => (value === null ? NONE : whole.format(value));
/** 12.3M */
export const shortOf = (value: number | null): string => (value === null ? NONE : short.format(value));
/** $3.73T, of an amount in millions */
export const capOf = (millions: number | null): string => (millions === null ? NONE : `$${cap.format(millions * 1e6)}`);

/** +1.24%: with its sign, so that colour is not needed to read it */
export function percentOf(value: number | null): string {
  return value === null ? NONE : `${signOf(directionOf(value, 0.005))}${percent.format(Math.abs(value))}%`;
}

/** +2.51 */
export function changeOf(value: number | null): string {
  return value === null ? NONE : `${signOf(directionOf(value))}${price.format(Math.abs(value))}`;
}

/**
 * A change in percent, from the two prices that are stored: what the service rounded to four digits would be rounded
 * twice, and now and then say one hundredth more than the sentence beside it.
 */
export const percentFrom = (change: number | null, base: number | null): number | null =>
  change === null || !base ? null : (change / base) * 100;

/** Which way *value* points; less than *noise* in either direction is flat. */
export function directionOf(value: number | null, noise = Number.MIN_VALUE): Direction {
  if (value === null || Math.abs(value) < noise) return 'flat';
  return value > 0 ? 'up' : 'down';
}

const signOf = (direction: Direction): string => ({ up: '+', down: MINUS, flat: '' })[direction];
