/** Number formats: the digits that are stored, in the reader's locale, with U+2212 for minus. */

let language = 'en-US';
let made = new Map<string, Intl.NumberFormat>();

/** The locale of all figures; a change counts for what is formatted after it. */
export const locale = {
  get: (): string => language,
  set(to: string): void {
    language = to;
    made = new Map();
  },
};

const OPTIONS = {
  price: { minimumFractionDigits: 2, maximumFractionDigits: 5 },
  percent: { minimumFractionDigits: 2, maximumFractionDigits: 2 },
  ratio: { minimumFractionDigits: 1, maximumFractionDigits: 1 },
  short: { notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 1 },
  cap: { notation: 'compact', maximumSignificantDigits: 3 },
  whole: { minimumFractionDigits: 0, maximumFractionDigits: 0 },
} as const satisfies Record<string, Intl.NumberFormatOptions>;

/** Formats a number; each format is made at its first use. */
function format(kind: keyof typeof OPTIONS, value: number): string {
  const options = OPTIONS[kind];
  // The first format that a browser makes costs a phone 80 ms, which the first prices would wait for.
  if (language === 'en-US' && value >= 0 && !('notation' in options))
    return plainOf(value, options.minimumFractionDigits, options.maximumFractionDigits);
  let formatter = made.get(kind);
  if (!formatter) made.set(kind, (formatter = new Intl.NumberFormat(language, options)));
  return formatter.format(value);
}

/** 1,234.5: as Intl.NumberFormat writes it in English, of what is not negative, up to 1e15. */
export function plainOf(value: number, least: number, most: number): string {
  // By the digits that are written, not by those of the binary fraction behind them: 1.005 is 1.01.
  const scaled = Math.round(Number(`${value}e${most}`));
  const text = (Number.isNaN(scaled) ? '0' : String(scaled)).padStart(most + 1, '0');
  const [whole, fraction] = [text.slice(0, text.length - most), text.slice(text.length - most)];
  let digits = most;
  while (digits > least && fraction[digits - 1] === '0') digits--;
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (digits ? `.${fraction.slice(0, digits)}` : '');
}

export type Direction = 'up' | 'down' | 'flat';

export const NONE = '–';
const MINUS = '−';

/** 1,234.50 */
export const priceOf = (value: number | null): string => (value === null ? NONE : format('price', value));
/** 12,345,678 */
export const wholeOf = (value: number | null): string => (value === null ? NONE : format('whole', value));
/** 12.3M */
export const shortOf = (value: number | null): string => (value === null ? NONE : format('short', value));
/** 1.4× */
export const ratioOf = (value: number | null): string => (value === null ? NONE : `${format('ratio', value)}×`);
/** $3.73T, of an amount in millions */
export const capOf = (millions: number | null): string =>
  millions === null ? NONE : `$${format('cap', millions * 1e6)}`;

/** +1.24%: with its sign, so that colour is not needed to read it */
export function percentOf(value: number | null): string {
  if (value === null) return NONE;
  return `${signOf(directionOf(value, 0.005))}${format('percent', Math.abs(value))}${language === 'en-US' ? '' : '\u00a0'}%`;
}

/** +2.51 */
export function changeOf(value: number | null): string {
  return value === null ? NONE : `${signOf(directionOf(value))}${format('price', Math.abs(value))}`;
}

/** The direction of a value; less than *noise* either way is flat. */
export function directionOf(value: number | null, noise = Number.MIN_VALUE): Direction {
  if (value === null || Math.abs(value) < noise) return 'flat';
  return value > 0 ? 'up' : 'down';
}

/** A company's name without its legal form and class of shares: NVIDIA, not NVIDIA Corporation. */
export function shortName(name: string): string {
  const short = name
    .replace(/,? Class [A-C]$/, '')
    .replace(
      /((,? (Inc\.?|Incorporated|Corporation|Corp\.?|plc|PLC|Ltd\.?|Limited|N\.V\.|Holdings?|Group|Companies))|((,| &| and)? (Company|Co\.?)))+$/,
      '',
    )
    .replace(/^The (?=[A-Z])/, '');
  return short || name;
}

const signOf = (direction: Direction): string => ({ up: '+', down: MINUS, flat: '' })[direction];
