/** Notifications: shown for each push, also while no page is open, and opened by a click. */
import { self } from '$app/service-worker';

/** What a push has; a field of another type is left out. */
interface Payload {
  title: string;
  body: string;
  /** Address below the page's root. */
  url: string;
  /** A notification takes the place of the one with the same tag: a correction that of its firing. */
  tag: string;
  timestamp: string;
}

function payloadOf(data: PushMessageData | null): Payload {
  let given: Partial<Record<keyof Payload, unknown>> = {};
  try {
    given = (data?.json() ?? {}) as typeof given;
  } catch {
    // A browser that was woken has to show something: that there is an alert.
  }
  const text = (name: keyof Payload, otherwise: string) => {
    const value = given[name];
    return typeof value === 'string' && value ? value : otherwise;
  };
  return {
    title: text('title', 'StocksALot'),
    body: text('body', 'There is an alert.'),
    url: text('url', '/account/alerts'),
    tag: text('tag', ''),
    timestamp: text('timestamp', ''),
  };
}

async function show({ title, body, url, tag, timestamp }: Payload): Promise<void> {
  const at = Date.parse(timestamp);
  const times = Number.isFinite(at) ? { timestamp: at } : {};
  const replaced = tag ? { tag, renotify: true } : {};
  const options = { body, icon: '/favicon.svg', data: { url }, ...replaced, ...times };
  await self.registration.showNotification(title, options as NotificationOptions);
  // Open pages show it at once, without waiting for their stream of events.
  for (const page of await self.clients.matchAll({ type: 'window' }))
    page.postMessage({ type: 'alert', at: timestamp });
}

/** Focuses the tab that shows the notification's address, or opens one; another host's address leads home. */
async function open(notification: Notification): Promise<void> {
  const data = notification.data as { url?: unknown } | null;
  let url = new URL(typeof data?.url === 'string' ? data.url : '/', self.location.origin);
  if (url.origin !== self.location.origin) url = new URL('/', self.location.origin);
  const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  // A notification of new prices is about no page: any of them will do.
  const tab = typeof data?.url === 'string' ? tabs.find((one) => new URL(one.url).pathname === url.pathname) : tabs[0];
  if (tab) await tab.focus();
  else await self.clients.openWindow(url.href);
}

/** Subscribes again when the browser has ended a subscription; a page sends it to the service at its next visit. */
async function renew(event: PushSubscriptionChangeEvent): Promise<void> {
  if (event.newSubscription || !event.oldSubscription) return;
  const { applicationServerKey } = event.oldSubscription.options;
  await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
}

interface PushSubscriptionChangeEvent extends ExtendableEvent {
  readonly newSubscription?: PushSubscription | null;
  readonly oldSubscription?: PushSubscription | null;
}

/** Listens to pushes and clicks. */
export function listen(): void {
  self.addEventListener('push', (event) => event.waitUntil(show(payloadOf(event.data))));
  self.addEventListener('notificationclick', (event) => {
    event.notification.close();
    event.waitUntil(open(event.notification));
  });
  self.addEventListener('pushsubscriptionchange', (event) =>
    event.waitUntil(renew(event as unknown as PushSubscriptionChangeEvent)),
  );
}
