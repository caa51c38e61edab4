/** Insights: sentences whose figures are facts, each with the bars that it was computed from. */
import * as v from 'valibot';
import { resource } from '#lib/api/resources.ts';
import { Reason } from '#lib/api/shapes.ts';

const instant = v.pipe(v.string(), v.isoTimestamp());

export const Fact = v.object({
  id: v.string(),
  text: v.string(),
  ticker: v.nullish(v.string(), null),
  metric: v.string(),
  basis: v.nullish(v.string(), null),
  unit: v.nullish(v.string(), null),
  direction: v.nullish(v.string(), null),
  window: v.nullish(v.string(), null),
  /** Tracked tickers that lack a bar for the figure. */
  left_out: v.array(v.string()),
  bars: v.object({ tickers: v.array(v.string()), starts: v.array(instant) }),
  /** The request to /ohlc for its bars, below the root of the API. */
  link: v.string(),
  /** Null while the database is unavailable. */
  superseded: v.nullable(v.boolean()),
});
export const Insight = v.object({
  insight: v.string(),
  sentiment: v.picklist(['positive', 'negative', 'neutral']),
  template: v.string(),
  facts: v.array(Fact),
  tickers: v.array(v.string()),
  generator: v.string(),
  kind: v.nullish(v.string(), null),
});
export const Insights = v.object({
  count: v.number(),
  stale: v.boolean(),
  reason: v.nullish(Reason, null),
  items: v.array(
    v.object({ datetime: instant, end: instant, missing: v.array(v.string()), insights: v.array(Insight) }),
  ),
});

export type Fact = v.InferOutput<typeof Fact>;
export type Insight = v.InferOutput<typeof Insight>;
export type Insights = v.InferOutput<typeof Insights>;

export const insights = () => resource('/insights', Insights, { kept: true });

export interface Piece {
  text: string;
  fact: Fact | null;
}

/** The sentence in pieces, those that are figures with their fact. */
export function piecesOf(insight: Insight): Piece[] {
  const facts = new Map(insight.facts.map((fact) => [fact.id, fact]));
  let at = 0;
  return insight.template.split(/(\{[^{}]+\})/).map((part) => {
    const fact = /^\{.+\}$/.test(part) ? facts.get(part.slice(1, -1)) : undefined;
    const start = at;
    at += (fact ? fact.text : part).length;
    // As published: a fact that begins a sentence has a capital letter there.
    return { text: insight.insight.slice(start, at), fact: fact ?? null };
  });
}

const DAY_MS = 86_400_000;
/** Facts about the whole market, and the part of the home page that shows them. */
const MARKET: Record<string, string> = {
  breadth: '/#market',
  market_change: '/#market',
  rank: '/?sort=-change&rows=all#prices',
};

/**
 * The page that shows the bars of a fact: the stock's chart at that hour as far back as its bars go, the home page for
 * facts about the market, null for a fact without bars of its own.
 */
export function linkOf(fact: Fact, hour: string): string | null {
  if (!fact.ticker) return MARKET[fact.metric] ?? null;
  const start = new URLSearchParams(fact.link.split('?')[1]).get('start');
  const range = start && Date.parse(hour) - Date.parse(start) > 6 * DAY_MS ? '1M' : '1W';
  return `/stocks/${fact.ticker}?range=${range}&interval=1h&at=${hour}`;
}
