/** The state of a stock's chart, and how it is written in the page's address. */

export const RANGES = ['1D', '1W', '1M', '3M', '1Y', 'All'] as const;
export const INTERVALS = ['1h', '1d', '1w', '1mo'] as const;
export const AVERAGES = ['sma', 'ema', 'vwap'] as const;
/** Indicators with a pane of their own below the prices. */
export const OSCILLATORS = ['rsi', 'macd'] as const;
export const KINDS = ['area', 'candles'] as const;
/** The name in the address for the average of all stocks, which is compared like a ticker. */
export const AVERAGE_OF_ALL = 'average';

export type Range = (typeof RANGES)[number];
export type Interval = (typeof INTERVALS)[number];
export type Average = (typeof AVERAGES)[number];
export type Oscillator = (typeof OSCILLATORS)[number];
export type Kind = (typeof KINDS)[number];

/** `at` is the start of the bar that is pointed at (Unix seconds), `table` whether the bars are listed. */
export interface View {
  range: Range;
  interval: Interval;
  kind: Kind;
  averages: readonly Average[];
  oscillators: readonly Oscillator[];
  /** A ticker, or AVERAGE_OF_ALL. */
  compare: string | null;
  logarithmic: boolean;
  at: number | null;
  table: boolean;
}

/** The intervals that make sense for a range, the usual one first. */
export const INTERVALS_OF: Record<Range, readonly [Interval, ...Interval[]]> = {
  '1D': ['1h'],
  '1W': ['1h', '1d'],
  '1M': ['1h', '1d', '1w'],
  '3M': ['1d', '1h', '1w', '1mo'],
  '1Y': ['1d', '1h', '1w', '1mo'],
  All: ['1w', '1h', '1d', '1mo'],
};

const USUAL: Range = '1M';

/** The view that an address asks for; what it leaves open or gets wrong is as usual. */
export function readView(parameters: Pick<URLSearchParams, 'get'>): View {
  const range = RANGES.find((name) => name === parameters.get('range')) ?? USUAL;
  const asked = parameters.get('interval');
  const shown = (parameters.get('show') ?? '').split(',');
  const compare = parameters.get('compare') ?? '';
  const at = Date.parse(parameters.get('at') ?? '') / 1000;
  return {
    range,
    interval: INTERVALS_OF[range].find((name) => name === asked) ?? INTERVALS_OF[range][0],
    kind: KINDS.find((name) => name === parameters.get('chart')) ?? 'area',
    averages: AVERAGES.filter((name) => shown.includes(name)),
    oscillators: OSCILLATORS.filter((name) => shown.includes(name)),
    compare: compare === AVERAGE_OF_ALL || /^[A-Z][A-Z0-9.-]{0,14}$/.test(compare) ? compare : null,
    logarithmic: parameters.get('scale') === 'log',
    at: Number.isFinite(at) ? at : null,
    table: parameters.get('table') === 'open',
  };
}

/** The query of the address that shows this view. */
export function writeView(view: View): string {
  const parts = [`range=${view.range}`, `interval=${view.interval}`];
  const shown = [...view.averages, ...view.oscillators];
  if (view.kind !== 'area') parts.push(`chart=${view.kind}`);
  if (shown.length) parts.push(`show=${shown.join(',')}`);
  if (view.compare) parts.push(`compare=${view.compare}`);
  if (view.logarithmic) parts.push('scale=log');
  if (view.at !== null) parts.push(`at=${new Date(view.at * 1000).toISOString().replace('.000', '')}`);
  if (view.table) parts.push('table=open');
  return `?${parts.join('&')}`;
}

/** The view with another range, its interval kept where it makes sense there. */
export function withRange(view: View, range: Range): View {
  const kept = INTERVALS_OF[range].includes(view.interval);
  return { ...view, range, interval: kept ? view.interval : INTERVALS_OF[range][0], at: null };
}
