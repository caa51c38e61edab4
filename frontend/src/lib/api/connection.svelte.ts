/** Connection state: the most severe error among the page's requests. */
import { SvelteSet } from 'svelte/reactivity';
import type { ApiError, Fault } from '#lib/api/problems.ts';

interface Asked {
  readonly error: ApiError | null;
  readonly slow: boolean;
  readonly nextAt: number | null;
  readonly confirmedAt: number | null;
  readonly current: unknown;
  refresh(): Promise<void>;
}

export type Trouble =
  | { state: 'fine' }
  | { state: 'waking'; since: number | null }
  | { state: Fault; error: ApiError; nextAt: number | null; since: number | null };

/** A single request that was wrong ("problem") is reported in its own panel. */
const WORST_FIRST: Fault[] = ['offline', 'limited', 'unavailable', 'shape', 'refused'];

/** When the oldest answer of *asked* was confirmed, null when none ever was. */
function oldest(asked: readonly Asked[]): number | null {
  const confirmed = asked.map((one) => one.confirmedAt).filter((at) => at !== null);
  return confirmed.length ? Math.min(...confirmed) : null;
}

class Connection {
  #asked = new SvelteSet<Asked>();

  add(one: Asked): void {
    this.#asked.add(one);
  }

  delete(one: Asked): void {
    this.#asked.delete(one);
  }

  /** The worst of what is wrong now, and when what is shown in its place was last confirmed (ms since 1970). */
  get trouble(): Trouble {
    const asked = [...this.#asked];
    for (const fault of WORST_FIRST) {
      const failed = asked.filter((one) => one.error?.fault === fault);
      const error = failed[0]?.error;
      if (!error) continue;
      const next = failed.map((one) => one.nextAt).filter((at) => at !== null);
      return { state: fault, error, since: oldest(failed), nextAt: next.length ? Math.min(...next) : null };
    }
    const slow = asked.filter((one) => one.slow);
    return slow.length ? { state: 'waking', since: oldest(slow) } : { state: 'fine' };
  }

  /** True when an answer says of itself that the database behind it is away. */
  get stale(): boolean {
    return [...this.#asked].some((one) => (one.current as { stale?: boolean } | null)?.stale === true);
  }

  /** Asks again at once whatever has failed. */
  retry(): void {
    for (const one of this.#asked) if (one.error) void one.refresh();
  }
}

export const connection = new Connection();
