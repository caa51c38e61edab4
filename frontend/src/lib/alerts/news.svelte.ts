/** What fired while the page is open: told by the stream of events, and by the service worker when a push arrives. */
import * as v from 'valibot';
import { Firings } from '#lib/alerts/requests.ts';
import { unseen } from '#lib/alerts/unseen.svelte.ts';
import { ask } from '#lib/api/fetching.ts';
import { principal } from '#lib/api/principal.svelte.ts';
import { refreshAll } from '#lib/api/resources.ts';

const Told = v.object({ fired_at: v.string() });
const Pushed = v.object({ type: v.literal('alert'), at: v.string() });
const MOST = 10;

class News {
  /** When the newest alert fired that the reader was told of, or that the page began with; '' before any. */
  #since = '';

  /** Takes *data* of the event `alerts`; *silent* for what the stream begins with. */
  take(data: string, silent: boolean): void {
    const told = v.safeParse(Told, parse(data));
    if (!told.success) return;
    if (silent) this.#since = told.output.fired_at;
    else void this.show(told.output.fired_at);
  }

  /** Takes a message of the service worker, which has shown a push. */
  hear(message: unknown): void {
    const told = v.safeParse(Pushed, message);
    if (told.success) void this.show(told.output.at);
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
      // The next event, or a visit of the alerts, tells of it.
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
