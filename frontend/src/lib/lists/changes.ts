/** Changes that a device sends to the account, and the list it continues with. */
import type { TickerList } from '#lib/api/lists.ts';

export const FIRST_NAME = 'Watchlist';

/** The list as the device last saw it. */
export interface Base {
  id: string;
  tickers: readonly string[];
}

/** Returns the changes of the device since *base*; without one, all its stocks are new. */
export function changesSince(
  base: Base | null,
  stocks: readonly string[],
): { added: readonly string[]; removed: readonly string[] } {
  const before = base?.tickers ?? [];
  return {
    added: stocks.filter((ticker) => !before.includes(ticker)),
    removed: before.filter((ticker) => !stocks.includes(ticker)),
  };
}

/**
 * Returns the list that the device goes on with: the one it had, one with the usual name, or the first. *stocks* that
 * belong to none of them get the usual one, which is still to be made.
 */
export function listFor(
  lists: readonly TickerList[],
  base: Base | null,
  stocks: readonly string[] = [],
): TickerList | null {
  const usual = FIRST_NAME.toLowerCase();
  const own = lists.find(({ id }) => id === base?.id) ?? lists.find(({ name }) => name.toLowerCase() === usual);
  return own ?? (stocks.length ? null : (lists[0] ?? null));
}
