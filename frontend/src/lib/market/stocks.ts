/** Stocks: a quote and a company of the same ticker, which come in two answers. */
import type { Company, Latest, Overview, Quote } from '#lib/api/shapes.ts';
import { sectorOf } from '#lib/market/sectors.ts';

export interface Stock {
  quote: Quote;
  /** Null until the overview is there, and for a ticker that it lacks. */
  company: Company | null;
  /** Empty without a company. */
  sector: string;
}

export function stocksOf(latest: Latest, overview: Overview | null): Stock[] {
  const companies = new Map(overview?.items.map((company) => [company.ticker, company]));
  return latest.items.map((quote) => {
    const company = companies.get(quote.ticker) ?? null;
    return { quote, company, sector: company ? sectorOf(company.industry) : '' };
  });
}

/** The change of a quote, null where newer prices are missing: it would be of another hour than the others. */
export const newestChange = (quote: Quote): number | null => (quote.is_newest ? quote.change_percent : null);

/** The instant of the close that changes count from, at the stocks whose price is the newest (RFC 3339). */
export function previousClose(latest: Latest | null): string | null {
  return latest?.items.find((quote) => quote.is_newest)?.previous_close_at ?? null;
}
