// The market's summary, checked by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Company, Overview, Quote } from '#lib/api/shapes.ts';
import { breadthOf, dayOf, leadersOf, sectorsOf } from '#lib/market/summary.ts';
import { sectorOf } from '#lib/market/sectors.ts';

const quote = (ticker: string, percent: number | null, newest = true, previous = 100): Quote => ({
  ticker,
  name: ticker,
  datetime: newest ? '2026-11-20T20:30:00Z' : '2026-11-20T19:30:00Z',
  end: '2026-11-20T21:00:00Z',
  open: 100,
  high: 100,
  low: 100,
  close: 100,
  volume: 1,
  source: 'test',
  is_newest: newest,
  revision: 0,
  previous_close: previous,
  previous_close_at: null,
  change: null,
  change_percent: percent,
});

const company = (ticker: string, industry: string, closes: (number | null)[] = []): Company => ({
  ticker,
  exchange: null,
  industry,
  market_cap_millions: 1,
  session_high: null,
  session_low: null,
  session_volume: null,
  volume_ratio: null,
  closes,
});

test('breadth counts stocks with the newest bar only, and sorts them by change', () => {
  const { up, down, flat, of, average, sorted } = breadthOf([
    quote('A', 3),
    quote('B', -1),
    quote('C', 0),
    quote('D', 9, false),
    quote('E', null),
  ]);

  assert.deepEqual([up, down, flat, of, average], [1, 1, 1, 3, 2 / 3]);
  assert.deepEqual(
    sorted.map(({ ticker }) => ticker),
    ['A', 'C', 'B'],
  );
});

test('the average day has the hours of the newest session, each over the stocks that have it', () => {
  const overview: Overview = {
    as_of: null,
    source: null,
    stale: false,
    reason: null,
    hours: ['2026-11-19T20:30:00Z', '2026-11-20T14:30:00Z', '2026-11-20T15:30:00Z'].map((datetime) => ({
      datetime,
      end: datetime,
    })),
    items: [company('A', 'Technology', [100, 102, 104]), company('B', 'Technology', [null, 100, null])],
  };

  const points = dayOf(overview, [quote('A', 4), quote('B', 0)]).map(({ percent, stocks }) => [
    Number(percent.toFixed(6)),
    stocks,
  ]);

  assert.deepEqual(points, [
    [1, 2],
    [4, 1],
  ]);
});

test('a sector has the mean of its stocks with the newest bar', () => {
  const quotes = [quote('A', 3), quote('B', 1), quote('C', 9, false)];
  const stocks = quotes.map((one) => ({ quote: one, company: company(one.ticker, 'Energy'), sector: 'Energy' }));

  assert.deepEqual(
    sectorsOf(stocks).map(({ name, percent }) => [name, percent]),
    [['Energy', 2]],
  );
});

test('the sentence names who leads and who falls', () => {
  const sectors = (changes: Record<string, number>) =>
    sectorsOf(
      Object.entries(changes).map(([industry, percent]) => ({
        quote: quote(industry, percent),
        company: company(industry, industry),
        sector: sectorOf(industry),
      })),
    );

  assert.equal(
    leadersOf(sectors({ Technology: 1, Machinery: 3, Semiconductors: 2, Energy: -1 })),
    'Industrials and semiconductors lead; only energy falls.',
  );
  assert.equal(
    leadersOf(sectors({ Technology: 1, Machinery: 3, Energy: 2 })),
    'Industrials and energy lead; no sector falls.',
  );
  assert.equal(
    leadersOf(sectors({ Technology: -1, Machinery: -3, Energy: -2 })),
    'Industrials and energy lose most; no sector rises.',
  );
});

test('industries of both catalogue and Finnhub have a sector', () => {
  assert.equal(sectorOf('Hotels and Restaurants'), 'Consumer');
  assert.equal(sectorOf('Hotels, Restaurants & Leisure'), 'Consumer');
  assert.equal(sectorOf('Aerospace & Defense'), 'Industrials');
  assert.equal(sectorOf(null), 'Other');
});
