import assert from 'node:assert/strict';
import { test } from 'node:test';
import { priceTicks, timeTicks } from '#lib/chart/ticks.ts';

/** Prices from *low* to *high* over *height* pixels. */
const scale = (low: number, high: number, height: number) => ({
  y: (price: number) => ((high - price) / (high - low)) * (height - 1),
  price: (y: number) => high - (y / (height - 1)) * (high - low),
});
const rounded = (ticks: number[]) => ticks.map((tick) => Number(tick.toFixed(2)));

test('prices are round, from the highest down, and no label is cut or nearer than two and a half sizes of the text', () => {
  assert.deepEqual(rounded(priceTicks(scale(123.5, 169, 252), 252, 12)), [160, 150, 140, 130]);
  assert.deepEqual(rounded(priceTicks(scale(60.75, 62.05, 252), 252, 12)), [62, 61.8, 61.6, 61.4, 61.2, 61, 60.8]);
  assert.deepEqual(rounded(priceTicks(scale(123.5, 169, 252), 252, 24)), [160, 140]);
  assert.deepEqual(rounded(priceTicks(scale(9.985, 10.015, 100), 100, 12)), [10.01, 10, 9.99]);
});

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Hours of sessions that begin on these days of November 2026. */
const sessions = (days: number[], hours = 7) =>
  days.flatMap((day) =>
    Array.from({ length: hours }, (_, hour) => ({
      time: Date.UTC(2026, 10, day, 14, 30) / 1000 + hour * HOUR,
    })),
  );

test('days are labelled before hours, as far as they are apart', () => {
  const places = sessions([2, 3, 4, 5, 6]);

  assert.deepEqual(
    timeTicks(places, 7).map(({ index, kind }) => [index, kind]),
    [
      [0, 3],
      [7, 2],
      [14, 2],
      [21, 2],
      [28, 2],
    ],
  );
  assert.deepEqual(
    timeTicks(places, 8).map(({ index }) => index),
    [7, 21, 32],
  );
});

test('hours stand between days where there is room, and a month or a year comes before both', () => {
  const hours = timeTicks(sessions([27]), 2);
  const days = Array.from({ length: 60 }, (_, index) => ({ time: Date.UTC(2026, 11, 20) / 1000 + index * DAY }));

  assert.deepEqual(
    hours.map(({ kind }) => kind),
    [3, 3, 3],
  );
  assert.deepEqual(
    timeTicks(days, 15).filter(({ kind }) => kind < 2),
    [
      { index: 12, kind: 0 },
      { index: 43, kind: 1 },
    ],
  );
  assert.deepEqual(timeTicks([], 10), []);
});
