/** Rows of the table, from the answers that they are put together from. */
import type { Closes, Latest, Quote, Ranges, Tickers } from '#lib/api/shapes.ts';
import type { Sort } from '#lib/home/view.svelte.ts';

export interface Span {
  low: number;
  high: number;
}

export interface Row {
  quote: Quote;
  industry: string;
  closes: readonly number[];
  span: Span | null;
  /** True when the last answer brought another price or bar than the one before. */
  isNew: boolean;
}

/** Returns the closes of each ticker, oldest first. */
export function closesByTicker(closes: Closes | null): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { ticker, close } of closes?.items ?? []) {
    const values = found.get(ticker);
    if (values) values.push(close);
    else found.set(ticker, [close]);
  }
  return found;
}

/** Returns how far the price of each ticker went, and since when anything of it is known. */
export function spansByTicker(ranges: Ranges | null): { spans: Map<string, Span>; since: string | null } {
  const spans = new Map<string, Span>();
  let since: string | null = null;
  for (const { ticker, low, high, datetime } of ranges?.items ?? []) {
    const known = spans.get(ticker);
    spans.set(ticker, known ? { low: Math.min(known.low, low), high: Math.max(known.high, high) } : { low, high });
    if (since === null || datetime < since) since = datetime;
  }
  return { spans, since };
}

/** Returns the tickers that the last answer brought something new about. */
export function changedTickers(now: Latest | null, before: Latest | null): Set<string> {
  if (!now || !before) return new Set();
  const known = new Map(before.items.map((quote) => [quote.ticker, quote]));
  const isNew = (quote: Quote) => {
    const old = known.get(quote.ticker);
    return !old || old.datetime !== quote.datetime || old.close !== quote.close || old.revision !== quote.revision;
  };
  return new Set(now.items.filter(isNew).map((quote) => quote.ticker));
}

/** Returns one row for each quote. */
export function rowsOf(
  latest: Latest,
  tickers: Tickers | null,
  closes: Map<string, number[]>,
  spans: Map<string, Span>,
  changed: Set<string>,
): Row[] {
  const industries = new Map(tickers?.items.map(({ ticker, industry }) => [ticker, industry ?? '']));
  return latest.items.map((quote) => ({
    quote,
    industry: industries.get(quote.ticker) ?? '',
    closes: closes.get(quote.ticker) ?? [],
    span: spans.get(quote.ticker) ?? null,
    isNew: changed.has(quote.ticker),
  }));
}

/** Tells whether *row* is about what was typed: part of its ticker, name or industry. */
export function matches(row: Row, typed: string): boolean {
  const words = typed.trim().toLowerCase().split(/\s+/);
  const text = `${row.quote.ticker} ${row.quote.name} ${row.industry}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

const share = ({ quote, span }: Row) =>
  span && span.high > span.low ? (quote.close - span.low) / (span.high - span.low) : null;

const MEASURES: Record<Exclude<Sort, 'ticker'>, (row: Row) => number | null> = {
  close: ({ quote }) => quote.close,
  change: ({ quote }) => quote.change_percent,
  volume: ({ quote }) => quote.volume,
  range: share,
};

/** Returns the rows in the order of *sort*; what cannot be measured comes last either way. */
export function sorted(rows: readonly Row[], sort: Sort, falling: boolean): Row[] {
  const way = falling ? -1 : 1;
  const byTicker = (a: Row, b: Row) => a.quote.ticker.localeCompare(b.quote.ticker);
  if (sort === 'ticker') return [...rows].sort((a, b) => way * byTicker(a, b));
  const measure = MEASURES[sort];
  return [...rows].sort((a, b) => {
    const [one, other] = [measure(a), measure(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null) || byTicker(a, b);
    return way * (one - other) || byTicker(a, b);
  });
}
