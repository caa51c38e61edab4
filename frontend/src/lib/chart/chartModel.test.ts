import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bar, Coverage } from '#lib/api/shapes.ts';
import { buildChartModel } from '#lib/chart/chartModel.ts';
import { isKnown, lackOf } from '#lib/chart/indicators.ts';
import { markOf, nameOf } from '#lib/chart/labels.ts';
import { lastBegun, placesOf } from '#lib/chart/timeline.ts';
import { readView } from '#lib/chart/view.ts';

const seconds = (instant: string) => Date.parse(instant) / 1000;
const bar = (datetime: string, close = 100): Bar => ({
  ticker: 'KO',
  datetime,
  timestamp: seconds(datetime),
  end: datetime,
  open: close,
  high: close,
  low: close,
  close,
  volume: 10,
  source: 'test',
});

test('a missing hour has a place of its own, in order, and only within what is shown', () => {
  const bars = [bar('2026-11-25T15:30:00Z'), bar('2026-11-25T17:30:00Z')];
  const missing = ['2026-11-24T15:30:00Z', '2026-11-25T16:30:00Z', '2026-11-25T17:30:00Z'].map((datetime) => ({
    time: seconds(datetime),
    why: 'not_fetched',
  }));
  const places = placesOf(bars, missing);
  assert.deepEqual(
    places.map(({ time, bar }) => [time, bar !== null]),
    [
      [seconds('2026-11-25T15:30:00Z'), true],
      [seconds('2026-11-25T16:30:00Z'), false],
      [seconds('2026-11-25T17:30:00Z'), true],
    ],
  );
});

test('an instant belongs to the last place that has begun', () => {
  const places = [{ time: 10 }, { time: 20 }];
  assert.deepEqual(
    [9, 10, 19, 20, 99].map((time) => lastBegun(places, time)),
    [-1, 0, 0, 1, 1],
  );
});

test('an average has no value where a bar is missing, and says which rest on both sides of it', () => {
  const bars = Array.from({ length: 22 }, (_, index) =>
    bar(new Date(Date.UTC(2026, 10, 2, index)).toISOString(), index),
  );
  const gap = bars.splice(10, 1)[0];
  const coverage: Coverage = {
    as_of: null,
    source: null,
    stale: false,
    reason: null,
    definition: '',
    totals: { expected: 22, present: 21 },
    items: [
      {
        date: '2026-11-02',
        datetime: '2026-11-02T00:00:00Z',
        end: '2026-11-02T22:00:00Z',
        half_day: false,
        expected: 22,
        present: 21,
        missing: [{ ticker: 'KO', datetime: gap?.datetime ?? '', why: 'rejected' }],
      },
    ],
  };
  const model = buildChartModel(
    'KO',
    readView(new URLSearchParams('range=1M&interval=1h&show=sma')),
    bars,
    coverage,
    [],
    {
      indicators: new Map(
        bars.map(({ timestamp }, index) => [
          timestamp,
          { timestamp, values: { sma_20: index }, incomplete: index > 9 ? { sma_20: 'gap' } : {} },
        ]),
      ),
    },
  );
  assert.equal(model.places[10]?.why, 'rejected');
  assert.deepEqual(model.averages.sma?.slice(9, 12), [9, null, 10]);
  assert.deepEqual(
    model.places.slice(9, 12).map(({ time }) => lackOf(model.indicators, 'sma', time)),
    [null, null, 'gap'],
  );
});

test('a range begins at the first bar of its first day, with the bars before it beside', () => {
  const bars = ['2026-11-20T20:30:00Z', '2026-11-23T14:30:00Z', '2026-11-27T17:30:00Z'].map((at) => bar(at));
  const of = (range: string) =>
    buildChartModel('KO', readView(new URLSearchParams(`range=${range}`)), bars, null, []).first;
  assert.deepEqual([of('1M'), of('1W'), of('1D')], [0, 1, 2]);
});

test('a mark stands at its bar; those from before the first bar are left out', () => {
  const bars = [bar('2026-11-27T16:30:00Z'), bar('2026-11-27T17:30:00Z')];
  const split = { time: seconds('2026-11-27T17:30:00Z'), kind: 'split', text: '10:1' } as const;
  const early = { time: seconds('2026-11-20T17:30:00Z'), kind: 'neutral' } as const;
  const model = buildChartModel('KO', readView(new URLSearchParams('')), bars, null, [split, early]);
  assert.deepEqual(model.marks, [{ ...split, place: 1 }]);
});

test("the axis shows the exchange's clock on both sides of a change to daylight saving time", () => {
  const TIME = 3;
  assert.equal(markOf(seconds('2026-10-30T13:30:00Z'), TIME, '1h'), '09:30');
  assert.equal(markOf(seconds('2026-11-02T14:30:00Z'), TIME, '1h'), '09:30');
  assert.equal(nameOf(seconds('2026-10-30T13:30:00Z'), '1h'), 'Fri, Oct 30, 09:30 EDT');
  assert.equal(nameOf(seconds('2026-11-02T14:30:00Z'), '1h'), 'Mon, Nov 2, 09:30 EST');
  assert.equal(nameOf(seconds('2027-03-12T14:30:00Z'), '1h'), 'Fri, Mar 12, 09:30 EST');
  assert.equal(nameOf(seconds('2027-03-15T13:30:00Z'), '1h'), 'Mon, Mar 15, 09:30 EDT');
});

test('a mark is short, and says what begins there', () => {
  const bell = seconds('2027-01-04T14:30:00Z');
  assert.deepEqual([markOf(bell, 0, '1h'), markOf(bell, 1, '1d'), markOf(bell, 2, '1h')], ['2027', 'Jan', 'Jan 4']);
});

test('longer bars are called by what they are of', () => {
  const bell = seconds('2026-11-02T14:30:00Z');
  assert.deepEqual(
    (['1d', '1w', '1mo'] as const).map((interval) => nameOf(bell, interval)),
    ['Mon, Nov 2, 2026', 'Week of Nov 2, 2026', 'Nov 2026'],
  );
});

test('what was paid on average is known by hours only', () => {
  assert.deepEqual([isKnown('vwap', '1h'), isKnown('vwap', '1d'), isKnown('sma', '1w')], [true, false, true]);
});
