/** Firings with their corrections. */
import type { Firing } from '#lib/alerts/requests.ts';

export interface Story {
  firing: Firing;
  correction: Firing | null;
}

/** Returns *firings* (newest first), each once, with its correction; a correction is alone where its firing is not among them. */
export function storiesOf(firings: readonly Firing[]): Story[] {
  const known = new Map(firings.map((firing) => [firing.id, firing]));
  const stories = new Map<string, Story>();
  for (const firing of known.values()) {
    const taken = firing.corrects === null ? undefined : known.get(firing.corrects);
    if (taken) stories.set(taken.id, { firing: taken, correction: firing });
    else if (!stories.has(firing.id)) stories.set(firing.id, { firing, correction: null });
  }
  return [...stories.values()];
}
