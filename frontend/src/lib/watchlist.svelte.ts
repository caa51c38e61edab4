/** Watchlist: stocks on this device and, when signed in, in a list of the account. */
import { browser } from '$app/env';
import { SvelteSet } from 'svelte/reactivity';
import type { TickerList } from '#lib/api/lists.ts';
import { principal } from '#lib/api/principal.svelte.ts';
import { ApiError } from '#lib/api/problems.ts';
import type { Base } from '#lib/lists/changes.ts';

const KEY = 'watchlist';
const BASE_KEY = 'watchlist.account';
const TICKER = /^[A-Z][A-Z0-9.-]{0,14}$/;

class Watchlist {
  /** The lists of the account; empty while signed out. */
  lists = $state.raw<readonly TickerList[]>([]);
  /** The list that the stocks belong to; null while signed out. */
  list = $state.raw<TickerList | null>(null);
  /** Why the account has not received the last change. */
  error = $state.raw<ApiError | null>(null);
  #tickers = new SvelteSet<string>();
  #running: Promise<void> | null = null;
  #again = false;

  constructor() {
    if (!browser) return;
    this.#load();
    // Another tab may have changed it.
    window.addEventListener('storage', (event) => event.key === KEY && this.#load());
    document.addEventListener('visibilitychange', () => !document.hidden && void this.synchronize());
    // After the page is drawn: the stocks of the device are there already.
    if (principal.token) setTimeout(() => void this.synchronize());
  }

  has(ticker: string): boolean {
    return this.#tickers.has(ticker);
  }

  get size(): number {
    return this.#tickers.size;
  }

  toggle(ticker: string): void {
    if (!this.#tickers.delete(ticker)) this.#tickers.add(ticker);
    this.#keep();
    void this.synchronize();
  }

  /** Makes the device and the account equal; nothing while signed out. A failure is tried again with the next change. */
  async synchronize(): Promise<void> {
    if (!principal.token) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => (this.#running = null));
    await this.#running;
  }

  /** Goes on with another list of the account. */
  async choose(id: string): Promise<void> {
    await this.synchronize();
    const list = this.lists.find((one) => one.id === id);
    if (!list || this.error) return;
    this.#accept(list);
    await this.synchronize();
  }

  /** Forgets the stocks of a list that the reader has deleted here: else they would be new to the next list. */
  forget(id: string): void {
    if (this.list?.id !== id) return;
    this.list = null;
    this.#tickers.clear();
    this.#keep();
  }

  /** Keeps the stocks on the device, as those of nobody. */
  signOut(): void {
    this.lists = [];
    this.list = null;
    this.error = null;
  }

  async #run(): Promise<void> {
    // Only readers with an account need the rest.
    const { merge } = await import('#lib/lists/merge.ts');
    while (this.#again && principal.token) {
      this.#again = false;
      const stocks = [...this.#tickers];
      try {
        const { lists, list } = await merge(recallBase(), stocks);
        this.lists = lists;
        this.error = null;
        // A change of meanwhile is compared with what was sent, in the next round.
        if (list && this.#again) this.#keepBase({ id: list.id, tickers: stocks });
        else if (list) this.#accept(list);
        else this.list = null;
      } catch (error) {
        this.error = error instanceof ApiError ? error : new ApiError('problem', String(error));
        return;
      }
    }
  }

  #accept(list: TickerList): void {
    this.list = list;
    this.#tickers.clear();
    for (const ticker of list.tickers) this.#tickers.add(ticker);
    this.#keep();
    this.#keepBase(list);
  }

  #keep(): void {
    try {
      localStorage.setItem(KEY, [...this.#tickers].join(','));
    } catch {
      // Then it lasts as long as the page.
    }
  }

  #keepBase({ id, tickers }: Base): void {
    try {
      localStorage.setItem(BASE_KEY, [id, ...tickers].join(','));
    } catch {
      // Then all stocks of the device are new at the next sign-in, and none is lost.
    }
  }

  #load(): void {
    let kept = '';
    try {
      kept = localStorage.getItem(KEY) ?? '';
    } catch {
      return;
    }
    this.#tickers.clear();
    for (const ticker of kept.split(',')) if (TICKER.test(ticker)) this.#tickers.add(ticker);
  }
}

function recallBase(): Base | null {
  try {
    const [id, ...tickers] = (localStorage.getItem(BASE_KEY) ?? '').split(',');
    return id ? { id, tickers: tickers.filter((ticker) => TICKER.test(ticker)) } : null;
  } catch {
    return null;
  }
}

export const watchlist = new Watchlist();
