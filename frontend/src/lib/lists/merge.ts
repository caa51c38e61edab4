/**
 * The stocks of this device and a list of the account become one. What changed on the device since both were last the
 * same is sent as additions and removals, never as a whole list, so that two devices that do this at once lose nothing.
 */
import { addTickers, createList, loadLists, removeTicker, type TickerList } from '#lib/api/lists.ts';
import { ApiError } from '#lib/api/problems.ts';
import { changesSince, FIRST_NAME, listFor, type Base } from '#lib/lists/changes.ts';

export interface Merged {
  lists: readonly TickerList[];
  /** The list that the stocks of the device belong to; null when the account has none and the device no stock. */
  list: TickerList | null;
}

/** Merges *stocks* of the device into the account. Throws ApiError; sent again, it changes nothing twice. */
export async function merge(base: Base | null, stocks: readonly string[]): Promise<Merged> {
  let lists = await loadLists();
  const list = listFor(lists, base, stocks);
  // A list that was deleted elsewhere has no changes: its stocks are new to the next one.
  const { added, removed } = changesSince(list && list.id === base?.id ? base : null, stocks);
  if (!list && !added.length) return { lists, list };
  if (list && !added.length && !removed.length) return { lists, list };
  if (list) {
    if (added.length) await addTickers(list.id, added);
    for (const ticker of removed) await removeTicker(list.id, ticker);
  } else {
    await createFirst(added);
  }
  lists = await loadLists();
  return { lists, list: listFor(lists, list ?? base) };
}

async function createFirst(tickers: readonly string[]): Promise<void> {
  try {
    await createList(FIRST_NAME, tickers);
  } catch (error) {
    // The other device was faster.
    const other = error instanceof ApiError && error.kind === 'name-taken' ? listFor(await loadLists(), null) : null;
    if (!other) throw error;
    await addTickers(other.id, tickers);
  }
}
