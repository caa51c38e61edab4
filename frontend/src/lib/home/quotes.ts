/** Rows of the price table, from the answers that they are put together from. */
import type { Latest, Quote } from '#lib/api/shapes.ts';
import type { Line } from '#lib/home/lines.ts';
import type { Sort } from '#lib/home/view.ts';
import type { Stock } from '#lib/market/stocks.ts';

export interface Row extends Stock {
  line: Line | null;
  /** True when the last answer brought another price or bar than the one before. */
  isNew: boolean;
}

/** Tickers with another price, bar or revision than in the answer before. */
export function changedTickers(now: Latest | null, before: Latest | null): Set<string> {
  if (!now || !before) return new Set();
  const known = new Map(before.items.map((quote) => [quote.ticker, quote]));
  const isNew = (quote: Quote) => {
    const old = known.get(quote.ticker);
    return !old || old.datetime !== quote.datetime || old.close !== quote.close || old.revision !== quote.revision;
  };
  return new Set(now.items.filter(isNew).map((quote) => quote.ticker));
}

/** One row for each stock. */
export function rowsOf(stocks: readonly Stock[], lines: Map<string, Line> | null, changed: Set<string>): Row[] {
  return stocks.map((stock) => ({
    ...stock,
    line: lines?.get(stock.quote.ticker) ?? null,
    isNew: changed.has(stock.quote.ticker),
  }));
}

/** Whether every word typed is part of the ticker, name, industry or sector. */
export function matches(row: Row, typed: string): boolean {
  const words = typed.trim().toLowerCase().split(/\s+/);
  const text = `${row.quote.ticker} ${row.quote.name} ${row.company?.industry ?? ''} ${row.sector}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

const MEASURES: Record<Exclude<Sort, 'ticker'>, (row: Row) => number | null> = {
  size: ({ company }) => company?.market_cap_millions ?? null,
  close: ({ quote }) => quote.close,
  change: ({ quote }) => quote.change_percent,
  volume: ({ company }) => company?.volume_ratio ?? null,
};

/** The rows in an order; those without a measure come last either way. */
export function sorted(rows: readonly Row[], sort: Sort, falling: boolean): Row[] {
  const way = falling ? -1 : 1;
  const byTicker = (a: Row, b: Row) => (a.quote.ticker < b.quote.ticker ? -1 : 1);
  if (sort === 'ticker') return [...rows].sort((a, b) => way * byTicker(a, b));
  const measure = MEASURES[sort];
  return [...rows].sort((a, b) => {
    const [one, other] = [measure(a), measure(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null) || byTicker(a, b);
    return way * (one - other) || byTicker(a, b);
  });
}
