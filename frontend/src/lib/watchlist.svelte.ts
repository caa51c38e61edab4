/** The tickers that the reader keeps an eye on: in this browser, and nowhere else. */
import { browser } from '$app/env';
import { SvelteSet } from 'svelte/reactivity';

const KEY = 'watchlist';

class Watchlist {
  #tickers = new SvelteSet<string>();

  constructor() {
    if (!browser) return;
    this.#load();
    // Another tab may have changed it.
    window.addEventListener('storage', (event) => event.key === KEY && this.#load());
  }

  has(ticker: string): boolean {
    return this.#tickers.has(ticker);
  }

  get size(): number {
    return this.#tickers.size;
  }

  toggle(ticker: string): void {
    if (!this.#tickers.delete(ticker)) this.#tickers.add(ticker);
    try {
      localStorage.setItem(KEY, [...this.#tickers].join(','));
    } catch {
      // Then it lasts as long as the page.
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
    for (const ticker of kept.split(',')) if (/^[A-Z][A-Z0-9.-]{0,14}$/.test(ticker)) this.#tickers.add(ticker);
  }
}

export const watchlist = new Watchlist();
