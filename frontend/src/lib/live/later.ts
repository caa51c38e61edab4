/** Starts to follow the stream of events once the first prices are drawn. */

/** Opening it sooner would compete with the first prices and their renderer. */
const PATIENCE_MS = 10_000;

/** Follows in a while; returns a function that stops it. */
export function followLater(): () => void {
  let stop = () => clearTimeout(waiting);
  const waiting = setTimeout(() => {
    let stopped = false;
    stop = () => (stopped = true);
    // Without it the page asks by itself, as before.
    import('#lib/live/live.ts').then(({ follow }) => stopped || (stop = follow())).catch(() => undefined);
  }, PATIENCE_MS);
  return () => stop();
}
