/** Alerts that fire while the page is open, from the stream of events and from pushes that the service worker passes on. */
import * as v from 'valibot';
import { Firings } from '#lib/alerts/requests.ts';
import { unseen } from '#lib/alerts/unseen.svelte.ts';
import { ask } from '#lib/api/fetching.ts';
import { principal } from '#lib/api/principal.svelte.ts';
import { refreshAll } from '#lib/api/resources.ts';

const StreamedEvent = v.object({ fired_at: v.string() });
const Pushed = v.object({ type: v.literal('alert'), at: v.string() });
const MOST = 10;

class News {
  /** Time of the newest alert that was shown, or that the page began with; '' before any. */
  #since = '';

  /** Handles *data* of the event `alerts`; *silent* for the one with which the stream begins. */
  take(data: string, silent: boolean): void {
    const event = v.safeParse(StreamedEvent, parse(data));
    if (!event.success) return;
    if (silent) this.#since = event.output.fired_at;
    else void this.show(event.output.fired_at);
  }

  /** Handles a message of the service worker, which has shown a push. */
  hear(message: unknown): void {
    const pushed = v.safeParse(Pushed, message);
    if (pushed.success) void this.show(pushed.output.at);
  }

  /** Shows what fired since the last time, at *at* at the latest. The same news twice is shown once. */
  async show(at: string): Promise<void> {
    if (!principal.token || at <= this.#since) return;
    refreshAll('/alerts');
    const after = this.#since;
    try {
      const { data } = await ask(`/alerts/firings?limit=${MOST}`, Firings);
      const fired = data?.items.filter(({ fired_at }) => (after ? fired_at > after : fired_at >= at)) ?? [];
      unseen.add(fired);
      this.#since = [this.#since, at, ...fired.map(({ fired_at }) => fired_at)].sort().at(-1) ?? at;
    } catch {
      // The next event, or a visit to the alerts page, shows it.
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const news = new News();
