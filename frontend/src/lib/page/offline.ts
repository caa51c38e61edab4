/** Registers the service worker that keeps the page for offline use and shows alerts, once the first prices are drawn. */
import { dev } from '$app/env';

/** Fetching all scripts sooner would compete with the first prices and their renderer. */
const PATIENCE_MS = 10_000;

/** Registers it now and returns it once it works. Throws where that is refused. */
export async function registerWorker(): Promise<ServiceWorkerRegistration> {
  await navigator.serviceWorker.register('/service-worker.js', { type: 'module' });
  return navigator.serviceWorker.ready;
}

/** Registers it in a while; returns a function that cancels that. */
export function registerLater(): () => void {
  if (dev || !('serviceWorker' in navigator)) return () => undefined;
  const waiting = setTimeout(() => {
    // Where that is refused (a private window, say) the page works as ever.
    registerWorker().catch(() => undefined);
  }, PATIENCE_MS);
  return () => clearTimeout(waiting);
}
