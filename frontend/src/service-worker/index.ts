/**
 * Opens the page when its host is away or the reader is offline: documents and scripts are kept here, figures never.
 * Shows notifications of alerts.
 */
import { assets, immutable, prerendered } from '$app/manifest';
import { self } from '$app/service-worker';
import { listen } from './notifications.ts';

const CACHE = 'page';
const addresses = (files: readonly { path: string }[]) =>
  new Set(files.map(({ path }) => new URL(path, self.location.origin).href));

/** Named by a hash of what is in them: what is kept is right for ever. */
const SCRIPTS = addresses(immutable);
/** The same names with every build: the network's are newer. */
const DOCUMENTS = addresses([...prerendered, ...assets].filter(({ path }) => !/\.(txt|png|ico)$/.test(path)));
/** The one document of all stocks. */
const STOCK = new URL('/stocks/_', self.location.origin).href;

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  const kept = new Set((await cache.keys()).map(({ url }) => url));
  await cache.addAll([...SCRIPTS].filter((url) => !kept.has(url)));
  await cache.addAll([...DOCUMENTS].map((url) => new Request(url, { cache: 'no-cache' })));
}

/** Lets go of what earlier builds have left: no tab shows one any more. */
async function tidy(): Promise<void> {
  await self.registration.navigationPreload?.enable();
  const cache = await caches.open(CACHE);
  const old = (await cache.keys()).filter(({ url }) => !SCRIPTS.has(url) && !DOCUMENTS.has(url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

const kept = (url: string) => caches.match(url, { ignoreVary: true });

/** Returns the address under which the document of *request* is kept; null where it is none of the page's. */
function documentOf({ url, mode }: Request): string | null {
  const { origin, pathname } = new URL(url);
  if (DOCUMENTS.has(origin + pathname)) return origin + pathname;
  return mode === 'navigate' && url.startsWith(new URL('.', STOCK).href) ? STOCK : null;
}

/** Returns what the network says, what is kept where it says nothing good. */
async function newest(event: FetchEvent, url: string): Promise<Response> {
  try {
    const answer = ((await event.preloadResponse) as Response | undefined) ?? (await fetch(event.request));
    return answer.status < 500 ? answer : ((await kept(url)) ?? answer);
  } catch {
    return (await kept(url)) ?? Response.error();
  }
}

listen();
self.addEventListener('install', (event) => event.waitUntil(keep()));
self.addEventListener('activate', (event) => event.waitUntil(tidy()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  if (SCRIPTS.has(request.url)) {
    event.respondWith(kept(request.url).then((script) => script ?? fetch(request)));
    return;
  }
  const url = documentOf(request);
  if (url) event.respondWith(newest(event, url));
});
