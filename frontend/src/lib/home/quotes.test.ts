// What the table makes of the answers, hand-checked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedTickers, matches, sorted, type Row } from './quotes.ts';

const quote = (ticker: string, close: number, previous: number | null = null) => ({
  ticker,
  name: `${ticker} Incorporated`,
  datetime: '2026-11-20T20:30:00Z',
  end: '2026-11-20T21:00:00Z',
  open: close,
  high: close,
  low: close,
  close,
  volume: 1,
  source: 'test',
  is_newest: true,
  revision: 0,
  previous_close: previous,
  previous_close_at: null,
  change: previous === null ? null : close - previous,
  change_percent: previous === null ? null : ((close - previous) / previous) * 100,
});
const row = (ticker: string, close: number, previous: number | null = null): Row => ({
  quote: quote(ticker, close, previous),
  company: null,
  sector: 'Semiconductors',
  line: null,
  isNew: false,
});
const latest = (...items: ReturnType<typeof quote>[]) => ({
  as_of: null,
  source: 'test',
  stale: false,
  reason: null,
  count: items.length,
  items,
});

test('what cannot be measured comes last, whichever way it is sorted', () => {
  const rows = [row('B', 10), row('A', 10, 5), row('C', 10, 20)];

  const order = (falling: boolean) => sorted(rows, 'change', falling).map((one) => one.quote.ticker);

  assert.deepEqual(order(true), ['A', 'C', 'B']);
  assert.deepEqual(order(false), ['C', 'A', 'B']);
});

test('every word of a filter has to be found, anywhere', () => {
  assert.equal(matches(row('NVDA', 1), 'semi nv'), true);
  assert.equal(matches(row('NVDA', 1), 'semi intel'), false);
});

test('only another price, bar or revision is new; nothing is on a first visit', () => {
  const before = latest(quote('A', 1), quote('B', 2), quote('C', 3));
  const now = latest(quote('A', 1), quote('B', 2.01), { ...quote('C', 3), revision: 1 }, quote('D', 4));

  assert.deepEqual([...changedTickers(now, before)], ['B', 'C', 'D']);
  assert.equal(changedTickers(now, null).size, 0);
});
