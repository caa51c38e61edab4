/** Last response of each request, saved in the browser: displayed while a function starts or the network is down. */
import * as v from 'valibot';

const PREFIX = 'snapshot:';

export interface Snapshot<T> {
  data: T;
  tag: string | null;
  /** Milliseconds since 1970. */
  at: number;
}

const Kept = v.object({ data: v.unknown(), tag: v.nullable(v.string()), at: v.number() });

/** Returns what was kept for *path*, null when nothing (of this shape) was. */
export function recall<S extends v.GenericSchema>(path: string, shape: S): Snapshot<v.InferOutput<S>> | null {
  try {
    const kept = v.parse(Kept, JSON.parse(localStorage.getItem(PREFIX + path) ?? 'null'));
    return { ...kept, data: v.parse(shape, kept.data) };
  } catch {
    return null;
  }
}

/** Keeps *snapshot* for the next visit; when the browser's space is used up, all others make room. */
export function keep(path: string, snapshot: Snapshot<unknown>): void {
  const text = JSON.stringify(snapshot);
  try {
    localStorage.setItem(PREFIX + path, text);
  } catch {
    forgetAll();
    try {
      localStorage.setItem(PREFIX + path, text);
    } catch {
      // Storage is blocked or tiny: the page works without.
    }
  }
}

/** Forgets every answer that was kept. */
export function forgetAll(): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // There is nothing to forget.
  }
}
