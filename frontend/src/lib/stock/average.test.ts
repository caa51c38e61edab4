// The average of all stocks, checked by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { averageOf, placedAt } from '#lib/stock/average.ts';

const close = (ticker: string, hour: number, close: number) => ({
  ticker,
  datetime: `2026-11-20T${hour}:30:00Z`,
  end: `2026-11-20T${hour + 1}:30:00Z`,
  close,
});
const at = (hour: number) => Date.parse(`2026-11-20T${hour}:30:00Z`) / 1000;

test('the average counts each stock the same, whatever its price', () => {
  const items = [close('A', 14, 10), close('A', 15, 11), close('B', 14, 1000), close('B', 15, 1000)];
  const average = averageOf({ as_of: null, source: null, stale: false, reason: null, items }, 0);

  assert.deepEqual(
    [...average].map(([time, value]) => [time, Number(value.toFixed(6))]),
    [
      [at(15), 100],
      [at(16), 105],
    ],
  );
});

test('it counts from the last close before the chart, else from the first one in it', () => {
  const items = [close('A', 13, 5), close('A', 14, 10), close('A', 15, 20), close('A', 16, 30)];
  const valuesFrom = (from: number, closes = items) => [
    ...averageOf({ as_of: null, source: null, stale: false, reason: null, items: closes }, from).values(),
  ];

  assert.deepEqual(valuesFrom(at(15)), [100, 200, 300]);
  assert.deepEqual(valuesFrom(at(15), items.slice(2)), [100, 150]);
});

test('a value of a longer bar stands at the last bar of the chart before its end', () => {
  const day = new Map([[at(17), 100]]);

  assert.deepEqual([...placedAt(day, [at(14), at(15), at(16), at(17)])], [[at(16), 100]]);
});
