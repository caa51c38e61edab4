/** Registers the service worker that keeps the page for offline use, once the first prices are drawn. */
import { dev } from '$app/env';

/** Fetching all scripts sooner would compete with the first prices and their renderer. */
const PATIENCE_MS = 10_000;

/** Registers it in a while; returns a function that cancels that. */
export function registerLater(): () => void {
  if (dev || !('serviceWorker' in navigator)) return () => undefined;
  const waiting = setTimeout(() => {
    // Where that is refused (a private window, say) the page works as ever.
    navigator.serviceWorker.register('/service-worker.js', { type: 'module' }).catch(() => undefined);
  }, PATIENCE_MS);
  return () => clearTimeout(waiting);
}
