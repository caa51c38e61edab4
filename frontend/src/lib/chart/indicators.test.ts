import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOver, exponentialAverage, simpleAverage, volumeWeightedAverage } from '#lib/chart/indicators.ts';

const bars = (...closes: number[]) => closes.map((close) => ({ high: close + 1, low: close - 1, close, volume: 10 }));
const close = (found: (number | null)[], expected: (number | null)[]) => {
  assert.equal(found.length, expected.length);
  found.forEach((value, index) => {
    const wanted = expected[index] ?? null;
    if (value === null || wanted === null) assert.equal(value, wanted);
    else assert.ok(Math.abs(value - wanted) < 1e-9, `${index}: ${value} is not ${wanted}`);
  });
};

test('a simple average has no value before there are enough bars, then the mean of the last ones', () => {
  close(simpleAverage(bars(1, 2, 3, 4, 8), 3), [null, null, 2, 3, 5]);
  close(simpleAverage(bars(1, 2), 3), [null, null]);
  close(simpleAverage([], 3), []);
});

test('an exponential average begins with the simple one and moves by two parts in length plus one', () => {
  close(exponentialAverage(bars(1, 2, 3, 5, 4), 3), [null, null, 2, 3.5, 3.75]);
  close(exponentialAverage(bars(7, 7, 7, 7), 2), [null, 7, 7, 7]);
  close(exponentialAverage(bars(1), 2), [null]);
});

test('a long series loses nothing to rounding', () => {
  const many = bars(...Array.from({ length: 5000 }, (_, index) => 100 + (index % 7) * 0.01));
  const last = many.slice(-20).reduce((sum, bar) => sum + bar.close, 0) / 20;
  assert.ok(Math.abs((simpleAverage(many, 20).at(-1) ?? 0) - last) < 1e-9);
});

test('what was paid on average weighs typical prices by volume and begins anew with each session', () => {
  const days = [
    { day: 'a', high: 12, low: 8, close: 10, volume: 100 },
    { day: 'a', high: 22, low: 18, close: 20, volume: 300 },
    { day: 'b', high: 31, low: 29, close: 30, volume: 50 },
  ];
  close(
    volumeWeightedAverage(days, ({ day }) => day),
    [10, 17.5, 30],
  );
});

test('a bar whose volume is not known leaves the rest of its session without an average, and no other', () => {
  const days = [
    { day: 'a', high: 1, low: 1, close: 1, volume: 5 },
    { day: 'a', high: 2, low: 2, close: 2, volume: null },
    { day: 'a', high: 3, low: 3, close: 3, volume: 5 },
    { day: 'b', high: 4, low: 4, close: 4, volume: 0 },
    { day: 'b', high: 5, low: 5, close: 5, volume: 5 },
  ];
  close(
    volumeWeightedAverage(days, ({ day }) => day),
    [1, null, null, null, 5],
  );
});

test('a change over a range counts from the value before it, else from its opening, else from its first value', () => {
  assert.equal(changeOver([1, 2, null, 3, 4], 3), 100);
  assert.equal(changeOver([null, 8, 4], 1, 16), -75);
  assert.equal(changeOver([null, 8, 4, null], 1), -50);
  assert.equal(changeOver([null, null], 0), null);
});
