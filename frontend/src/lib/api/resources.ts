/** Requests that several components share. */
import type * as v from 'valibot';
import { Resource } from '#lib/api/resource.svelte.ts';
import { Latest, Movers, Overview, Status, Tickers, type Status as Market } from '#lib/api/shapes.ts';

const MOST = 40;
const known = new Map<string, Resource<v.GenericSchema>>();

/** Returns the one resource for *path*. Each path has one shape, so what was made for it before fits. */
export function resource<S extends v.GenericSchema>(
  path: string,
  shape: S,
  options?: ConstructorParameters<typeof Resource<S>>[2],
): Resource<S> {
  let found = known.get(path);
  if (!found) {
    evict();
    known.set(path, (found = new Resource(path, shape, options) as unknown as Resource<v.GenericSchema>));
  }
  return found as unknown as Resource<S>;
}

/** Drops the oldest answers that nobody reads. */
function evict(): void {
  for (const [path, one] of known) {
    if (known.size < MOST) return;
    if (!one.watched) known.delete(path);
  }
}

/** Requests everything on the page again: another reader may see more of it, or less. */
export function resetAll(): void {
  for (const one of known.values()) one.reset();
}

/** Forgets what was answered to requests that begin with *path*: the next reader shall not see it. */
export function forget(path: string): void {
  for (const [known_path, one] of known)
    if (known_path.startsWith(path)) {
      one.forget();
      known.delete(known_path);
    }
}

/** Requests what is on the page and begins with *path* again; an unchanged answer is not sent twice. */
export function refreshAll(path: string): void {
  for (const one of known.values()) if (one.watched && one.path.startsWith(path)) void one.refresh();
}

export const status = () => resource('/status', Status, { kept: true, next: nextTurn });
export const latest = () => resource('/latest', Latest, { kept: true });
export const tickers = () => resource('/tickers', Tickers, { kept: true });
/** Every stock's company and session so far, with the hourly closes of three sessions. */
export const overview = () => resource('/overview', Overview, { kept: true });
export const movers = (kind: string, basis: string) =>
  resource(`/movers?kind=${kind}&basis=${basis}&limit=6`, Movers, { kept: kind === 'gainers' });

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Returns when the state of the market is next to change: the bell, or the next bar. While one is late, in a minute. */
function nextTurn(now: Market): number {
  const moment = Date.parse(now.answered_at);
  const late = now.newest_finished_bar !== null && now.newest_bar?.datetime !== now.newest_finished_bar;
  const turns = [now.next_bar_due, now.market.next_open, now.market.session?.closes]
    .map((instant) => (instant ? Date.parse(instant) : 0))
    .filter((instant) => instant > moment);
  const wait = Math.min(...turns.map((instant) => instant - moment), late || now.behind ? MINUTE_MS : HOUR_MS);
  return Date.now() + wait + 2000;
}
