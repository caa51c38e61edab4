/** A note from the browser when new prices are there: only after the reader has asked for it. */
import { browser } from '$app/env';
import { percentFrom, percentOf } from '#lib/figures.ts';
import { timeOf } from '#lib/time/newyork.ts';
import type { Latest } from '#lib/api/shapes.ts';

const KEY = 'notify';

class Notify {
  /** Whether this browser can do it at all; supposed of each while the page is built, so that nothing moves later. */
  readonly possible = !browser || ('Notification' in window && window.isSecureContext);
  wanted = $state(false);
  /** True when the reader has told the browser to refuse. */
  refused = $state(false);

  constructor() {
    if (!browser || !this.possible) return;
    try {
      this.wanted = localStorage.getItem(KEY) === 'yes' && Notification.permission === 'granted';
    } catch {
      // Without storage it has to be asked for on each visit.
    }
    this.refused = Notification.permission === 'denied';
  }

  async toggle(): Promise<void> {
    if (!this.wanted && Notification.permission !== 'granted') {
      this.refused = (await Notification.requestPermission()) !== 'granted';
      if (this.refused) return;
    }
    this.wanted = !this.wanted;
    try {
      localStorage.setItem(KEY, this.wanted ? 'yes' : 'no');
    } catch {
      // It holds for this visit.
    }
  }

  /** Tells of *latest* if the reader wants to know and is looking elsewhere. */
  tell(latest: Latest): void {
    if (!this.wanted || !document.hidden || !latest.as_of) return;
    const moves = latest.items
      .filter((quote) => quote.change_percent !== null)
      .sort((a, b) => Math.abs(b.change_percent ?? 0) - Math.abs(a.change_percent ?? 0))
      .slice(0, 3)
      .map((quote) => `${quote.ticker} ${percentOf(percentFrom(quote.change, quote.previous_close))}`);
    const title = `Prices to ${timeOf(latest.as_of)}, New York`;
    // The same tag: a new note takes the place of the one before.
    const note = new Notification(title, { body: moves.join(' · '), tag: 'stocksalot', icon: '/favicon.svg' });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  }
}

export const notify = new Notify();
