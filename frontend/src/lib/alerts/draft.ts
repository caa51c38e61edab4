/** Draft of an alert: defaults of each kind, and the API request made from it. */
import type { Alert } from '#lib/api/alerts.ts';

export const KINDS = ['price', 'change', 'volume', 'extreme', 'insight', 'missing'] as const;
export const REPEATS = ['once', 'session', 'always'] as const;

export type Kind = (typeof KINDS)[number];
export type Repeat = (typeof REPEATS)[number];

/** Null: a part that the kind does not have, or an amount that is not given. */
export interface Condition {
  kind: Kind;
  direction: string | null;
  basis: string | null;
  span: string | null;
  amount: number | null;
}

export interface Draft {
  /** A ticker, `*` for every tracked stock, `list:` with the id of a list, '' for none yet. */
  ticker: string;
  kind: Kind;
  /** The conditions of all kinds: whoever changes the kind and comes back finds what was there. */
  conditions: Record<Kind, Condition>;
  /** Null: what is usual for the kind. */
  repeat: Repeat | null;
  /** Null: all of the account. */
  channels: string[] | null;
  /** The alert that is changed. */
  id: string | null;
}

export interface AlertRequest extends Omit<Condition, 'kind'> {
  ticker: string | null;
  list: string | null;
  repeat: Repeat;
  channels: string[] | null;
}

const NOTHING = { direction: null, basis: null, span: null, amount: null };
/** A level of a price is passed and done with; all else is news in each session. */
const USUAL_REPEATS: Partial<Record<Kind, Repeat>> = { price: 'once' };

export function newDraft(ticker: string): Draft {
  return {
    ticker,
    kind: 'change',
    conditions: {
      price: { ...NOTHING, kind: 'price', direction: 'above' },
      change: { ...NOTHING, kind: 'change', direction: 'down', basis: 'previous_close', amount: 3 },
      volume: { ...NOTHING, kind: 'volume', amount: 2 },
      extreme: { ...NOTHING, kind: 'extreme', direction: 'high', span: '52_weeks' },
      insight: { ...NOTHING, kind: 'insight' },
      missing: { ...NOTHING, kind: 'missing' },
    },
    repeat: null,
    channels: null,
    id: null,
  };
}

/** How the id of a list begins among tickers. */
export const LIST = 'list:';

/** Returns the id of the list that *subject* names; null for a ticker. */
export const listOf = (subject: string): string | null =>
  subject.startsWith(LIST) ? subject.slice(LIST.length) : null;

/** Returns the draft that changes *alert*. */
export function draftOf(alert: Alert): Draft {
  const { direction, basis, span, amount, channels, id } = alert;
  const ticker = alert.ticker ?? LIST + (alert.list ?? '');
  const kind = alert.kind as Kind;
  const draft = newDraft(ticker);
  draft.conditions[kind] = { kind, direction, basis, span, amount };
  return { ...draft, kind, repeat: alert.repeat as Repeat, channels, id };
}

export const repeatOf = (draft: Draft): Repeat => draft.repeat ?? USUAL_REPEATS[draft.kind] ?? 'session';

/** Returns what the API is asked for; the kind of an alert does not change. */
export function requestOf(draft: Draft): AlertRequest {
  const { direction, basis, span, amount } = draft.conditions[draft.kind];
  const list = listOf(draft.ticker);
  const ticker = list === null ? draft.ticker : null;
  return { ticker, list, direction, basis, span, amount, repeat: repeatOf(draft), channels: draft.channels };
}

const KEY = 'alert.draft';

/** Keeps the draft in this tab until its reader has signed in; *from* is the address to come back to. */
export function keepDraft(draft: Draft, from: string): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ draft, from }));
  } catch {
    // Then the choices are made anew.
  }
}

/** Returns the draft that was kept, and forgets it. */
export function takeDraft(): { draft: Draft; from: string } | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as { draft: Draft; from: string } | null;
    sessionStorage.removeItem(KEY);
    return kept?.draft.conditions && kept.from.startsWith('/') ? kept : null;
  } catch {
    return null;
  }
}
