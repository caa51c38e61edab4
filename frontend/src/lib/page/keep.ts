/** Has the browser keep the page for times without its host, once the reader has got what they came for. */
import { dev } from '$app/env';

/** Fetching all scripts sooner would compete with the first prices and their drawing. */
const PATIENCE_MS = 10_000;

/** Begins in a while; returns how to call it off. */
export function keepLater(): () => void {
  if (dev || !('serviceWorker' in navigator)) return () => undefined;
  const waiting = setTimeout(() => {
    // Where that is refused (a private window, say) the page works as ever.
    navigator.serviceWorker.register('/service-worker.js', { type: 'module' }).catch(() => undefined);
  }, PATIENCE_MS);
  return () => clearTimeout(waiting);
}
