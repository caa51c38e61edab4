import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INTERVALS_OF, RANGES, readView, withRange, writeView, type View } from '#lib/chart/view.ts';
import { barsOf, firstDay } from '#lib/chart/ranges.ts';

const view = (query: string): View => readView(new URLSearchParams(query));

test('every view is what its own address says', () => {
  for (const range of RANGES)
    for (const interval of INTERVALS_OF[range]) {
      const one: View = {
        range,
        interval,
        kind: 'candles',
        averages: ['sma', 'vwap'],
        oscillators: ['rsi'],
        compare: 'AAPL',
        logarithmic: true,
        at: 1_795_793_400,
        table: true,
      };
      assert.deepEqual(view(writeView(one)), one);
    }
});

test('an address is short, and readable where it says something', () => {
  const plain: View = {
    range: '1M',
    interval: '1h',
    kind: 'area',
    averages: [],
    oscillators: [],
    compare: null,
    logarithmic: false,
    at: null,
    table: false,
  };
  assert.equal(writeView(plain), '?range=1M&interval=1h');
  assert.equal(
    writeView({ ...plain, at: Date.UTC(2026, 10, 27, 17, 30) / 1000 }),
    '?range=1M&interval=1h&at=2026-11-27T17:30:00Z',
  );
});

test('what an address leaves open or gets wrong is as usual', () => {
  const usual: View = {
    range: '1M',
    interval: '1h',
    kind: 'area',
    averages: [],
    oscillators: [],
    compare: null,
    logarithmic: false,
    at: null,
    table: false,
  };
  assert.deepEqual(view(''), usual);
  assert.deepEqual(view('range=9Z&interval=5m&show=obv,&at=yesterday&table=1'), usual);
  assert.equal(view('range=1D&interval=1mo').interval, '1h');
});

test('another range keeps the interval where it makes sense, and forgets the bar that was picked', () => {
  const days = view('range=1M&interval=1d&at=2026-11-27T17:30:00Z');
  assert.deepEqual([withRange(days, '1Y').interval, withRange(days, '1D').interval], ['1d', '1h']);
  assert.equal(withRange(days, '1Y').at, null);
});

test('a range begins on a day at the exchange', () => {
  assert.equal(firstDay('1D', '2026-11-27'), '2026-11-27');
  assert.equal(firstDay('1W', '2026-11-27'), '2026-11-21');
  assert.equal(firstDay('1M', '2026-11-27'), '2026-10-29');
  assert.equal(firstDay('3M', '2026-05-31'), '2026-02-28');
  assert.equal(firstDay('1Y', '2028-02-29'), '2027-02-28');
  assert.equal(firstDay('3M', '2027-01-15'), '2026-10-15');
  assert.equal(firstDay('All', '2026-11-27'), null);
});

test('enough bars are asked for, and never more than an answer holds', () => {
  assert.equal(barsOf('1D', '1h'), barsOf('1M', '1h'));
  for (const range of RANGES) for (const interval of INTERVALS_OF[range]) assert.ok(barsOf(range, interval) <= 5000);
  assert.ok(barsOf('1Y', '1h') >= 252 * 7);
});
