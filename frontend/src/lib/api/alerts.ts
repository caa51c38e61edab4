/** The alerts of the reader's account, as far as every page needs them: which stock has some. */
import * as v from 'valibot';
import { principal } from '#lib/api/principal.svelte.ts';
import type { Resource } from '#lib/api/resource.svelte.ts';
import { resource } from '#lib/api/resources.ts';

const instant = v.pipe(v.string(), v.isoTimestamp());

export const Alert = v.object({
  id: v.string(),
  sentence: v.string(),
  /** A ticker, or `*` for every tracked stock; null: those of a list. */
  ticker: v.nullable(v.string()),
  /** Id of a list of the account. */
  list: v.nullable(v.string()),
  kind: v.string(),
  direction: v.nullable(v.string()),
  basis: v.nullable(v.string()),
  span: v.nullable(v.string()),
  amount: v.nullable(v.number()),
  repeat: v.string(),
  /** Null: all of the account. */
  channels: v.nullable(v.array(v.string())),
  state: v.picklist(['active', 'paused', 'done']),
  fired: v.number(),
  last_fired_at: v.nullable(instant),
});
export const Alerts = v.object({ count: v.number(), limit: v.number(), items: v.array(Alert) });

export type Alert = v.InferOutput<typeof Alert>;

const FIVE_MINUTES_MS = 300_000;
/** The stream of events says when there is something new; without it, this is soon enough. */
export const NOW_AND_THEN = { next: () => Date.now() + FIVE_MINUTES_MS };

/** Null while signed out: nothing is requested. */
export const alerts = (): Resource<typeof Alerts> | null =>
  principal.token === null ? null : resource('/alerts', Alerts, NOW_AND_THEN);
