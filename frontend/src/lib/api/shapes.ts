/**
 * What the page relies on in each answer. Keys that it does not read are left out, so that the API may add some.
 *
 * Numbers are what JSON.parse makes of the stored digits: a double gives up to 15 digits back unchanged, more than any
 * price or volume has. The page shows them and compares them; it adds none up.
 */
import * as v from 'valibot';

const instant = v.pipe(v.string(), v.isoTimestamp());
const day = v.pipe(v.string(), v.isoDate());
const nullish = <S extends v.GenericSchema>(schema: S) => v.nullish(schema, null);

/** Why an answer has no items, and from when on there may be some. */
export const Reason = v.object({ code: v.string(), text: v.string(), ask_again_at: nullish(instant) });

const newest = { as_of: nullish(instant), source: nullish(v.string()), stale: v.boolean() };
const market = { ...newest, reason: nullish(Reason) };

export const Quote = v.object({
  ticker: v.string(),
  name: v.string(),
  datetime: instant,
  end: instant,
  open: v.number(),
  high: v.number(),
  low: v.number(),
  close: v.number(),
  volume: nullish(v.number()),
  source: v.string(),
  is_newest: v.boolean(),
  revision: v.number(),
  previous_close: nullish(v.number()),
  previous_close_at: nullish(instant),
  change: nullish(v.number()),
  change_percent: nullish(v.number()),
});
export const Latest = v.object({ ...market, count: v.number(), items: v.array(Quote) });

export const Profile = v.object({
  ticker: v.string(),
  name: v.string(),
  exchange: nullish(v.string()),
  industry: nullish(v.string()),
  country: nullish(v.string()),
  currency: nullish(v.string()),
  ipo: nullish(v.string()),
  website: nullish(v.string()),
  market_cap_millions: nullish(v.number()),
  shares_millions: nullish(v.number()),
  source: nullish(v.string()),
  fetched_at: nullish(instant),
});

export const Mover = v.object({
  rank: v.number(),
  is_newest: v.boolean(),
  profile: Profile,
  current_metrics: v.object({
    datetime: instant,
    end: instant,
    open: v.number(),
    high: v.number(),
    low: v.number(),
    close: v.number(),
    volume: nullish(v.number()),
  }),
  change: nullish(v.number()),
  change_percent: nullish(v.number()),
  basis_price: nullish(v.number()),
  basis_at: nullish(instant),
  window: v.object({
    start: nullish(instant),
    end: nullish(instant),
    high: nullish(v.number()),
    low: nullish(v.number()),
    volume: nullish(v.number()),
    range_percent: nullish(v.number()),
    usual_volume: nullish(v.number()),
    volume_ratio: nullish(v.number()),
  }),
});
export const Movers = v.object({
  ...market,
  count: v.number(),
  kind: v.string(),
  basis: v.string(),
  definition: v.string(),
  items: v.array(Mover),
});

const Session = v.object({ date: day, opens: instant, closes: instant, half_day: v.boolean() });
export const Status = v.object({
  ...newest,
  answered_at: instant,
  simulated: v.boolean(),
  market: v.object({
    state: v.picklist(['open', 'closed', 'unknown']),
    session: nullish(Session),
    next_open: nullish(instant),
    next_session: nullish(Session),
  }),
  newest_bar: nullish(v.object({ datetime: instant, end: instant, tickers: v.number() })),
  newest_finished_bar: nullish(instant),
  next_bar_due: nullish(instant),
  data_age_seconds: nullish(v.number()),
  tickers: v.number(),
  behind: v.number(),
  /** Tickers that no figure compares for now, and why. */
  left_out: v.array(v.object({ ticker: v.string(), reason: v.string(), detail: v.string() })),
});

export const Tickers = v.object({
  count: v.number(),
  reason: nullish(Reason),
  items: v.array(
    v.object({ ticker: v.string(), name: v.string(), exchange: nullish(v.string()), industry: nullish(v.string()) }),
  ),
});

/** Bars as a chart needs them. Derived ones also say what they were made of. */
export const Bar = v.object({
  ticker: v.string(),
  datetime: instant,
  timestamp: v.number(),
  end: instant,
  open: v.number(),
  high: v.number(),
  low: v.number(),
  close: v.number(),
  /** Null where the source had none. */
  volume: nullish(v.number()),
  source: v.string(),
  bars: v.optional(v.number()),
  bars_expected: v.optional(v.number()),
  complete: v.optional(v.boolean()),
});
/** Adjustment of a series for splits, and the changes of its source. */
const Series = v.object({
  ticker: v.string(),
  adjusted: v.string(),
  seams: v.array(v.object({ datetime: instant, before: v.string(), after: v.string() })),
});
export const Bars = v.object({
  ...market,
  count: v.number(),
  interval: v.string(),
  next_cursor: nullish(v.string()),
  /** Where the history begins for this reader; null: all of it is theirs. */
  open_from: nullish(instant),
  series: v.array(Series),
  items: v.array(Bar),
});

/** Indicators at bars: values by name, null where there are too few bars, and why a value is not complete. */
export const Indicators = v.object({
  items: v.array(
    v.object({
      timestamp: v.number(),
      values: v.record(v.string(), v.nullable(v.number())),
      incomplete: v.record(v.string(), v.string()),
    }),
  ),
});

/** A company, its session so far, and one close for each hour of the overview; null where the bar is missing. */
export const Company = v.object({
  ticker: v.string(),
  exchange: nullish(v.string()),
  industry: nullish(v.string()),
  market_cap_millions: nullish(v.number()),
  session_high: nullish(v.number()),
  session_low: nullish(v.number()),
  session_volume: nullish(v.number()),
  volume_ratio: nullish(v.number()),
  closes: v.array(v.nullable(v.number())),
});
export const Overview = v.object({
  ...market,
  hours: v.array(v.object({ datetime: instant, end: instant })),
  items: v.array(Company),
});

/** Closes alone: the average of all tickers needs no more. */
export const Closes = v.object({
  ...market,
  items: v.array(v.object({ ticker: v.string(), datetime: instant, end: instant, close: v.number() })),
});

export const Splits = v.object({
  items: v.array(
    v.object({
      ticker: v.string(),
      date: day,
      datetime: instant,
      ratio: v.string(),
      state: v.string(),
      detail: v.string(),
    }),
  ),
});

/** Figures in which a second provider differs from what is stored. */
export const Disagreements = v.object({
  ...market,
  compared_at: nullish(instant),
  items: v.array(
    v.object({
      datetime: instant,
      field: v.string(),
      source: v.string(),
      value: v.number(),
      other_source: v.string(),
      other_value: v.number(),
      difference_percent: nullish(v.number()),
    }),
  ),
});

const why = v.string();
export const Coverage = v.object({
  ...market,
  definition: v.string(),
  totals: v.object({ expected: v.number(), present: v.number() }),
  items: v.array(
    v.object({
      date: day,
      datetime: instant,
      end: instant,
      half_day: v.boolean(),
      expected: v.number(),
      present: v.number(),
      missing: v.array(v.object({ ticker: v.string(), datetime: instant, why })),
    }),
  ),
});

export type Reason = v.InferOutput<typeof Reason>;
export type Quote = v.InferOutput<typeof Quote>;
export type Latest = v.InferOutput<typeof Latest>;
export type Profile = v.InferOutput<typeof Profile>;
export type Mover = v.InferOutput<typeof Mover>;
export type Movers = v.InferOutput<typeof Movers>;
export type Status = v.InferOutput<typeof Status>;
export type Tickers = v.InferOutput<typeof Tickers>;
export type Bar = v.InferOutput<typeof Bar>;
export type Bars = v.InferOutput<typeof Bars>;
export type Indicators = v.InferOutput<typeof Indicators>;
export type Company = v.InferOutput<typeof Company>;
export type Overview = v.InferOutput<typeof Overview>;
export type Closes = v.InferOutput<typeof Closes>;
export type Splits = v.InferOutput<typeof Splits>;
export type Disagreements = v.InferOutput<typeof Disagreements>;
export type Coverage = v.InferOutput<typeof Coverage>;
