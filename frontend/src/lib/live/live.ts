/**
 * New bars, insights and alerts as soon as the service has them, by its stream of events. Without the stream nothing is
 * missing: each resource asks again by itself when its next bar is due.
 */
import { addressOf } from '#lib/api/fetching.ts';
import { principal } from '#lib/api/principal.svelte.ts';
import { refreshAll } from '#lib/api/resources.ts';
import { news } from '#lib/alerts/news.svelte.ts';
import { EventParser, type ServerEvent } from '#lib/live/parser.ts';

const LATER_MS = 60_000;
/** setTimeout and the patience of a page that stays open for days. */
const LONGEST_MS = 3_600_000;
/** So that not every open page asks in the same moment. */
const SPREAD_MS = 1_500;
/** The part of the page that an event concerns: the beginning of its paths, everything for bars. */
const CONCERNS: Record<string, string> = { bars: '/', insights: '/insights' };

let lastId = '';
let timer: ReturnType<typeof setTimeout> | undefined;
let open: AbortController | null = null;
let failures = 0;

/** Follows the stream while the page is seen; returns how to stop. */
export function follow(): () => void {
  const turn = () => (document.hidden ? close() : void connect());
  const hear = ({ data }: MessageEvent) => news.hear(data);
  document.addEventListener('visibilitychange', turn);
  navigator.serviceWorker?.addEventListener('message', hear);
  turn();
  return () => {
    navigator.serviceWorker?.removeEventListener('message', hear);
    document.removeEventListener('visibilitychange', turn);
    close();
  };
}

function close(): void {
  clearTimeout(timer);
  open?.abort();
  open = null;
}

async function connect(): Promise<void> {
  clearTimeout(timer);
  if (open) return;
  const controller = (open = new AbortController());
  let wait = Math.min(LATER_MS * 2 ** failures, LONGEST_MS);
  try {
    wait = await read(controller.signal);
    failures = 0;
  } catch {
    failures++;
  }
  if (open !== controller) return;
  open = null;
  timer = setTimeout(() => void connect(), Math.min(wait, LONGEST_MS));
}

/** Reads one stream to its end; returns how many milliseconds later to come back. */
async function read(signal: AbortSignal): Promise<number> {
  const headers = new Headers({ Accept: 'text/event-stream' });
  if (lastId) headers.set('Last-Event-ID', lastId);
  if (principal.token) headers.set('Authorization', `Bearer ${principal.token}`);
  const response = await fetch(addressOf('/events'), { headers, signal, cache: 'no-store', credentials: 'omit' });
  if (!response.ok || !response.body) throw new Error(`The stream of events returned ${response.status}.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  let wait = LATER_MS;
  // What a first stream begins with is the state that the page has loaded.
  let silent = lastId === '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const { events, retry } = parser.push(part.value);
    for (const event of events) take(event, silent);
    if (retry !== null) {
      wait = retry;
      silent = false;
    }
  }
  return wait;
}

function take({ name, id, data }: ServerEvent, silent: boolean): void {
  if (id) lastId = id;
  const concerned = CONCERNS[name];
  // At once: one account's alerts are few requests, and their reader waits for them.
  if (name === 'alerts') news.take(data, silent);
  else if (concerned && !silent) setTimeout(() => refreshAll(concerned), Math.random() * SPREAD_MS);
}
