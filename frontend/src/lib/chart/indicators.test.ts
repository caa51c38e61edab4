import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedBy, byBar, changeOver, lackOf, valuesAt } from '#lib/chart/indicators.ts';
import { readView } from '#lib/chart/view.ts';

const viewOf = (query: string) => readView(new URLSearchParams(query));

test('a view asks for the indicators it shows, and for none that mean nothing', () => {
  assert.equal(askedBy(viewOf('range=1M&interval=1h')), null);
  assert.equal(askedBy(viewOf('range=1M&interval=1h&show=sma,vwap,macd')), 'sma:20,vwap,macd:12:26:9');
  assert.equal(askedBy(viewOf('range=1Y&interval=1d&show=vwap')), null);
});

test('a line has the values of the API at its bars, and none where it has none', () => {
  const values = byBar({
    items: [
      { timestamp: 10, values: { sma_20: null }, incomplete: { sma_20: 'warm-up' } },
      { timestamp: 30, values: { sma_20: 1.25 }, incomplete: {} },
    ],
  });
  assert.deepEqual(valuesAt(values, 'sma', [{ time: 10 }, { time: 20 }, { time: 30 }]), [null, null, 1.25]);
  assert.deepEqual(valuesAt(values, 'ema', [{ time: 30 }]), [null]);
  assert.deepEqual(
    [10, 20, 30].map((time) => lackOf(values, 'sma', time)),
    ['warm up', null, null],
  );
});

test('a change over a range counts from the value before it, else from its opening, else from its first value', () => {
  assert.equal(changeOver([1, 2, null, 3, 4], 3), 100);
  assert.equal(changeOver([null, 8, 4], 1, 16), -75);
  assert.equal(changeOver([null, 8, 4, null], 1), -50);
  assert.equal(changeOver([null, null], 0), null);
});
