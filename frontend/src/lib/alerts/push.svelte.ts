/**
 * This browser as a channel of alerts: its push subscription, and the channel of the account that leads to it.
 *
 * The channel's id and endpoint are kept in local storage: a subscription outlives the tab, as it works with the page
 * closed. Signing out removes both.
 */
import { browser } from '$app/env';
import { changeAlert, createChannel, deleteChannel, type Channel } from '#lib/alerts/requests.ts';
import type { Alert } from '#lib/api/alerts.ts';
import { ApiError } from '#lib/api/problems.ts';
import { registerWorker } from '#lib/page/offline.ts';
import { notify } from '#lib/page/notify.svelte.ts';

const KEY = 'push';

interface Kept {
  channel: string;
  endpoint: string;
}

function recall(): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Partial<Kept> | null;
    return typeof kept?.channel === 'string' && typeof kept.endpoint === 'string' ? (kept as Kept) : null;
  } catch {
    return null;
  }
}

class Push {
  /** The channel of this browser, as far as the browser knows; null without one. */
  kept = $state.raw<Kept | null>(browser ? recall() : null);

  /** Whether this browser takes pushes at all; on an iPhone only a page on the home screen does. */
  get possible(): boolean {
    return browser && 'serviceWorker' in navigator && 'PushManager' in window && notify.possible;
  }

  /** True where adding the page to the home screen makes pushes possible. */
  get needsHomeScreen(): boolean {
    return browser && !this.possible && /iPhone|iPad/.test(navigator.userAgent);
  }

  /** Returns the channel of this browser among *channels*. */
  among(channels: readonly Channel[]): Channel | null {
    return channels.find(({ id }) => id === this.kept?.channel) ?? null;
  }

  /** Asks for the permission, subscribes, and makes the channel. Throws ApiError, also when the reader refuses. */
  async enable(key: string, name = nameOfBrowser()): Promise<Channel> {
    if (!(await notify.permit())) throw new ApiError('problem', notify.refused ? REFUSED : UNANSWERED);
    const registration = await registerWorker();
    let subscription: PushSubscription;
    try {
      // One that was made for an earlier key of the service stands in the way of another.
      const earlier = await registration.pushManager.getSubscription();
      if (earlier && keyOf(earlier) !== key) await earlier.unsubscribe();
      subscription = await registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: bytesOf(key),
      });
    } catch {
      throw new ApiError(
        'problem',
        'This browser cannot reach its push service. Try again later, or use another channel.',
      );
    }
    const channel = await createChannel({ kind: 'push', name, subscription: subscription.toJSON() });
    this.#keep({ channel: channel.id, endpoint: subscription.endpoint });
    return channel;
  }

  /** Ends the subscription, and deletes the channel if it *isOwn*, the reader's. */
  async disable(isOwn: boolean): Promise<void> {
    const channel = this.kept?.channel;
    this.#keep(null);
    if (channel && isOwn) await deleteChannel(channel).catch(() => undefined);
    await (await currentSubscription())?.unsubscribe().catch(() => false);
  }

  /**
   * Makes the browser and *channels* of the account agree: the subscription of somebody else, or of a channel that was
   * deleted, ends; one that the browser has replaced gets a new channel, which takes the place of the old one in *alerts*.
   */
  async agree(channels: readonly Channel[], alerts: readonly Alert[]): Promise<void> {
    const { kept } = this;
    if (!kept || !this.possible) return;
    if (!this.among(channels)) return this.disable(false);
    const subscription = await currentSubscription();
    if (!subscription || subscription.endpoint === kept.endpoint) return;
    const old = kept.channel;
    const name = this.among(channels)?.name ?? nameOfBrowser();
    const { id } = await createChannel({ kind: 'push', name, subscription: subscription.toJSON() });
    this.#keep({ channel: id, endpoint: subscription.endpoint });
    if (id === old) return;
    for (const alert of alerts)
      if (alert.channels?.includes(old))
        await changeAlert(alert.id, { channels: alert.channels.map((one) => (one === old ? id : one)) });
    await deleteChannel(old);
  }

  #keep(kept: Kept | null): void {
    this.kept = kept;
    try {
      if (kept) localStorage.setItem(KEY, JSON.stringify(kept));
      else localStorage.removeItem(KEY);
    } catch {
      // Then the next visit takes the channel for one of another browser.
    }
  }
}

export const REFUSED =
  'Your browser blocks notifications from this page. Allow them in its settings for this site (the sign before the address), then try again.';

const UNANSWERED = 'Without your permission this browser cannot show notifications. Try again, or use another channel.';

const currentSubscription = async (): Promise<PushSubscription | null> =>
  (await navigator.serviceWorker?.getRegistration())?.pushManager?.getSubscription() ?? null;

/** Returns the key of the service that *subscription* was made for, in base64url. */
function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options?.applicationServerKey ?? new ArrayBuffer(0));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const BROWSERS = { Edg: 'Edge', OPR: 'Opera', SamsungBrowser: 'Samsung Internet', Firefox: '', Chrome: '', Safari: '' };
const SYSTEMS = { Android: '', iPhone: '', iPad: '', Windows: '', 'Mac OS X': 'Mac', CrOS: 'ChromeOS', Linux: '' };

/** Returns a name that distinguishes this browser from the reader's others: “Firefox on Android”. */
export function nameOfBrowser(agent = navigator.userAgent): string {
  const name = nameIn(agent, BROWSERS) ?? 'Browser';
  const system = nameIn(agent, SYSTEMS);
  return system ? `${name} on ${system}` : name;
}

/** Returns the name of the first part that is in *agent*: each names the older ones, too. */
function nameIn(agent: string, names: Record<string, string>): string | undefined {
  const found = Object.entries(names).find(([part]) => agent.includes(part));
  return found && (found[1] || found[0]);
}

export const push = new Push();
