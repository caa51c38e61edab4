/** Notifications of this browser: the permission that prices and alerts share, and those of new prices. */
import { browser } from '$app/env';
import { percentOf } from '#lib/figures.ts';
import { timeOf, zoneOf } from '#lib/time/format.ts';
import type { Latest } from '#lib/api/shapes.ts';

const KEY = 'notify';

class Notify {
  /** Whether this browser can do it at all; assumed while the page is built, so that nothing moves later. */
  readonly possible = !browser || ('Notification' in window && window.isSecureContext);
  wanted = $state(false);
  /** True when the reader has set the browser to refuse. */
  refused = $state(false);

  constructor() {
    if (!browser || !this.possible) return;
    // In a task of its own: the browser asks another process, which the first prices would wait for.
    setTimeout(() => this.#recall());
  }

  #recall(): void {
    this.refused = Notification.permission === 'denied';
    try {
      this.wanted = localStorage.getItem(KEY) === 'yes' && Notification.permission === 'granted';
    } catch {
      // Without storage it has to be asked for on each visit.
    }
  }

  /** Asks for the permission unless it was given; returns whether there is one. */
  async permit(): Promise<boolean> {
    if (!this.possible) return false;
    if (Notification.permission === 'granted') return true;
    const answer = await Notification.requestPermission();
    this.refused = answer === 'denied';
    return answer === 'granted';
  }

  async toggle(): Promise<void> {
    if (!this.wanted && !(await this.permit())) return;
    this.wanted = !this.wanted;
    try {
      localStorage.setItem(KEY, this.wanted ? 'yes' : 'no');
    } catch {
      // It holds for this visit.
    }
  }

  /** Shows a notification of *latest* if the reader wants it and is looking elsewhere. */
  async show(latest: Latest): Promise<void> {
    if (!this.wanted || !document.hidden || !latest.as_of) return;
    const moves = latest.items
      .filter((quote) => quote.change_percent !== null)
      .sort((a, b) => Math.abs(b.change_percent ?? 0) - Math.abs(a.change_percent ?? 0))
      .slice(0, 3)
      .map((quote) => `${quote.ticker} ${percentOf(quote.change_percent)}`);
    const title = `Prices as of ${timeOf(latest.as_of)} ${zoneOf(latest.as_of)}`;
    // The same tag: a new notification takes the place of the one before.
    const options = { body: moves.join(' · '), tag: 'stocksalot', icon: '/favicon.svg' };
    try {
      // Android's Chrome has notifications by a service worker alone, and throws at the constructor.
      const worker = await navigator.serviceWorker?.getRegistration();
      if (worker?.active) await worker.showNotification(title, options);
      else new Notification(title, options);
    } catch {
      this.wanted = false;
    }
  }
}

export const notify = new Notify();
