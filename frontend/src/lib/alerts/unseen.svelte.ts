/** Alerts that fired while the page is open and that the reader has not put away. */
import type { Firing } from '#lib/alerts/requests.ts';

class Unseen {
  /** Newest first. */
  items = $state.raw<readonly Firing[]>([]);

  /** Adds those of *firings* that are not there. */
  add(firings: readonly Firing[]): void {
    const known = new Set(this.items.map(({ id }) => id));
    this.items = [...firings.filter(({ id }) => !known.has(id)), ...this.items];
  }

  clear(): void {
    this.items = [];
  }
}

export const unseen = new Unseen();
