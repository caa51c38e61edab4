// What panels and rows say in each state, as HTML.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRawSnippet } from 'svelte';
import { render } from 'svelte/server';
import type { Coverage, Quote } from '#lib/api/shapes.ts';
import { ApiError, type Fault } from '#lib/api/problems.ts';
import PriceRow from '#lib/home/PriceRow.svelte';
import type { Row } from '#lib/home/quotes.ts';
import CoverageLine from '#lib/stock/CoverageLine.svelte';
import StockPrice from '#lib/stock/StockPrice.svelte';
import Pending from '#lib/state/Pending.svelte';

const textOf = (html: string): string =>
  html
    .replace(/<!--.*?-->/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ \./g, '.')
    .trim();

const skeleton = createRawSnippet(() => ({ render: () => '<i class="skeleton"></i>' }));
const refresh = () => Promise.resolve();

function pending(fault: Fault | null, { status = 0, overdue = false, seconds = 42 } = {}): string {
  const error = fault && new ApiError(fault, 'The response does not fit this version of the page: items.', status);
  const source = { error, overdue, nextAt: error && Date.now() + seconds * 1000, refresh };
  return render(Pending, { props: { what: 'Insights', source, children: skeleton } }).body;
}

test('a panel that loads has the skeleton and no words', () => {
  const html = pending(null);

  assert.match(html, /aria-busy="true"/);
  assert.match(html, /class="skeleton"/);
  assert.equal(textOf(html), 'Loading');
});

test('a panel that waits for ten seconds says so', () => {
  assert.match(
    textOf(pending(null, { overdue: true })),
    /Insights cannot be loaded No response for 10 seconds\. Still trying\./,
  );
});

for (const [fault, status, words] of [
  ['unavailable', 500, /Insights cannot be loaded Trying again in 4[12] s\. The service returned an error \(500\)\./],
  ['offline', 0, /Insights cannot be loaded .*You are offline, and nothing is saved from an earlier visit\./],
  ['limited', 429, /Too many requests Trying again in 4[12] s\. A token has a higher limit\. Get a token/],
  ['shape', 200, /Insights cannot be loaded .*does not fit this version/],
] as const)
  test(`a panel that is ${fault} says what happened and when the next try is`, () => {
    const html = pending(fault, { status });

    assert.match(textOf(html), words);
    assert.doesNotMatch(html, /skeleton/);
  });

const quote: Quote = {
  ticker: 'KO',
  name: 'The Coca-Cola Company',
  datetime: '2026-11-27T17:30:00Z',
  end: '2026-11-27T18:00:00Z',
  open: 60,
  high: 61,
  low: 59,
  close: 60.5,
  volume: 1000,
  source: 'twelvedata',
  is_newest: true,
  revision: 0,
  previous_close: 60,
  previous_close_at: '2026-11-25T21:00:00Z',
  change: 0.5,
  change_percent: 0.8333,
};
const row: Row = {
  quote,
  company: {
    ticker: 'KO',
    exchange: null,
    industry: 'Beverages',
    market_cap_millions: 1,
    session_high: 61,
    session_low: 59,
    session_volume: 1000,
    volume_ratio: 2.4,
    closes: [],
  },
  sector: 'Staples',
  line: null,
  isNew: false,
};
const rowOf = (to: Partial<Row>): string =>
  render(PriceRow, { props: { row: { ...row, ...to }, picked: null, pick: () => undefined } }).body;

test('a row has its price, its change and its volume against the usual', () => {
  assert.match(textOf(rowOf({})), /KO Coca-Cola .*60\.50 .*\+0\.83% .*2\.4×/);
});

test('a stock that is late says of when its price is, in place of a change', () => {
  const text = textOf(rowOf({ quote: { ...quote, is_newest: false } }));

  assert.match(text, /(13:00|Nov 27) price .*as of Fri, Nov 27, 13:00/);
  assert.doesNotMatch(text, /%/);
});

test('a new price is marked, also for those who hear it', () => {
  assert.match(textOf(rowOf({ isNew: true })), /new 60\.50/);
});

test('a price has its change, its base, its time and its source', () => {
  const text = textOf(render(StockPrice, { props: { quote } }).body);

  assert.match(text, /^60\.50 USD \+0\.50 \(\+0\.83%\) since .*close.* Fri, Nov 27, 13:00 EST · Twelve Data/);
});

test('a price of an older hour says that newer ones are missing', () => {
  const props = { quote: { ...quote, is_newest: false } };

  assert.match(textOf(render(StockPrice, { props }).body), /newer prices of this stock are missing/);
});

const session = {
  date: '2026-11-27',
  datetime: '2026-11-27T14:30:00Z',
  end: '2026-11-27T18:00:00Z',
  half_day: true,
  expected: 4,
  present: 4,
  missing: [],
};
const coverage: Coverage = {
  as_of: null,
  source: null,
  stale: false,
  reason: null,
  definition: '',
  totals: { expected: 4, present: 4 },
  items: [session],
};
const coverageOf = (data: Coverage | null, error: unknown = null): string =>
  textOf(render(CoverageLine, { props: { source: { data, error }, onpoint: () => undefined } }).body);

test('coverage says that nothing is missing, and which days are half ones', () => {
  assert.match(coverageOf(coverage), /4 of 4 hours are stored\. Nothing is missing\. .*Half day: Nov 27, 2026\./);
});

test('coverage counts what is missing, with the reason', () => {
  const missing = [{ ticker: 'KO', datetime: '2026-11-27T16:30:00Z', why: 'not_fetched' }];
  const partly = { ...coverage, totals: { expected: 4, present: 3 }, items: [{ ...session, present: 3, missing }] };

  assert.match(coverageOf(partly), /3 of 4 hours are stored\. 1 is missing: not fetched yet\./);
});

test('coverage that cannot be loaded says so', () => {
  assert.equal(coverageOf(null, new Error('500')), 'Coverage cannot be loaded.');
});
