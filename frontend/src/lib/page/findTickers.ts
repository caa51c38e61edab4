/** Search for tickers by what was typed. */
import type { Tickers } from '#lib/api/shapes.ts';

export type Known = Tickers['items'][number];

/** Up to *most* tickers that match *typed*: those that begin with it first, then names, then industries. */
export function find(items: readonly Known[], typed: string, most = 8): Known[] {
  const words = typed.trim().toLowerCase();
  if (!words) return items.slice(0, most);
  const rank = ({ ticker, name, industry }: Known): number => {
    const [symbol, company] = [ticker.toLowerCase(), name.toLowerCase()];
    if (symbol === words) return 0;
    if (symbol.startsWith(words)) return 1;
    if (company.split(/[^a-z0-9&]+/).some((word) => word.startsWith(words)) || company.startsWith(words)) return 2;
    if (symbol.includes(words) || company.includes(words)) return 3;
    return industry?.toLowerCase().includes(words) ? 4 : 9;
  };
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .filter(({ rank }) => rank < 9)
    .sort((a, b) => a.rank - b.rank || a.item.ticker.localeCompare(b.item.ticker))
    .slice(0, most)
    .map(({ item }) => item);
}
