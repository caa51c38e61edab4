import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bar } from '#lib/api/shapes.ts';
import { isPlain, layOutArea, type AreaLayout, type Room } from '#lib/chart/areaLayout.ts';
import type { ChartModel, Mark } from '#lib/chart/chartModel.ts';

const HOUR = 3600;
const BEGIN = Date.UTC(2026, 10, 27, 14, 30) / 1000;
const ROOM: Room = { width: 360, height: 280, zoom: 1 };

/** A model of hours that close at these prices; null is a missing hour. */
function modelOf(closes: readonly (number | null)[], more: Partial<ChartModel> = {}): ChartModel {
  return {
    key: 'S000 1D 1h',
    interval: '1h',
    places: closes.map((close, index) => {
      const time = BEGIN + index * HOUR;
      return close === null
        ? { time, bar: null, why: 'not_fetched' }
        : { time, bar: { timestamp: time, close } as Bar, why: null };
    }),
    first: 0,
    averages: {},
    rsi: null,
    macd: null,
    indicators: new Map(),
    compared: null,
    kind: 'area',
    logarithmic: false,
    base: null,
    marks: [],
    ...more,
  };
}
function laidOut(closes: readonly (number | null)[], more: Partial<ChartModel> = {}, room = ROOM): AreaLayout {
  const layout = layOutArea(modelOf(closes, more), room);
  assert.ok(layout);
  return layout;
}
const mark = (place: number, kind: Mark['kind'], text?: string) => ({
  time: 0,
  place,
  kind,
  ...(text ? { text } : {}),
});
const strokes = (path: string) => path.split('M').filter(Boolean);
const texts = (layout: AreaLayout, kind: string) =>
  layout.labels.filter((label) => label.kind === kind).map(({ text }) => text);

test('the line and its area end before a missing hour and begin again after it', () => {
  const layout = laidOut([10, 11, null, 12, 13, null, null, 14]);

  assert.deepEqual(
    strokes(layout.line).map((stroke) => stroke.split('L').length),
    [2, 2, 1],
  );
  assert.match(layout.line, /h0$/, 'a bar between two gaps is a dot');
  assert.equal(strokes(layout.area).length, 2);
  assert.equal(strokes(layout.missing).length, 3);
});

test('a missing hour is shaded over the whole height, at its own place', () => {
  const layout = laidOut([10, null, 12]);
  const [left = NaN, , width = NaN] = layout.missing.match(/-?[\d.]+/g)?.map(Number) ?? [];

  assert.equal(layout.placeAt(left + width / 2), 1);
  assert.match(layout.missing, new RegExp(`V${layout.pane.height}`));
});

test('bars before the range are left out, but for the one from which the line enters', () => {
  const closes = Array.from({ length: 20 }, (_, index) => 100 + index);
  const layout = laidOut(closes, { first: 15 });

  assert.equal(layout.line.split('L').length, 7);
  assert.deepEqual(
    texts(layout, 'tick').filter((text) => Number(text) < 113),
    [],
  );
  assert.equal(layout.placeAt(-1000), 0);
  assert.equal(layout.placeAt(1000), 19);
});

test('the previous close and the newest price are labelled, and no other label is below them', () => {
  const layout = laidOut([100, 104, 108, 103.5], { base: 104.02 });
  const prices = layout.labels.filter(({ anchor }) => anchor === 'start');

  assert.deepEqual(texts(layout, 'base'), ['104.02']);
  assert.deepEqual(texts(layout, 'last'), ['103.50']);
  assert.equal(layout.falling, true);
  for (const one of prices)
    for (const other of prices)
      assert.ok(one === other || Math.abs(one.y - other.y) >= 15, `${one.text} ${other.text}`);
});

test('a previous close out of view has no line and no label', () => {
  const layout = laidOut([100, 101, 100.5], { base: 300 });

  assert.equal(layout.base, null);
  assert.deepEqual(texts(layout, 'base'), []);
});

test('marks at one bar stand above each other, those of a missing hour at the bar before it', () => {
  const apart = laidOut([10, 11, 12], { marks: [mark(1, 'negative'), mark(1, 'neutral')] });
  const heights = apart.marks.map(({ path }) => Number(path.match(/^M\S+ (\S+?)[al]/)?.[1]));
  const gone = laidOut([10, 11, null, 12], { marks: [mark(2, 'positive')] });
  const there = laidOut([10, 11, null, 12], { marks: [mark(1, 'positive')] });
  const split = laidOut([10, 11, 12], { marks: [mark(1, 'split', '4:1')] });

  assert.deepEqual(
    apart.marks.map(({ colour }) => colour),
    ['down', 'muted'],
  );
  assert.ok((heights[0] ?? 0) - (heights[1] ?? 0) > 5);
  assert.deepEqual(gone.marks, there.marks);
  assert.deepEqual(texts(split, 'mark'), ['4:1']);
});

test('bars have a dot each while they can be told apart', () => {
  assert.equal(strokes(laidOut([1, 2, 3]).dots).length, 3);
  assert.equal(laidOut(Array.from({ length: 41 }, (_, index) => index + 1)).dots, '');
});

test('text of twice the size takes more room and has fewer labels', () => {
  const closes = Array.from({ length: 30 }, (_, index) => 100 + index);
  const [usual, large] = [laidOut(closes), laidOut(closes, {}, { ...ROOM, zoom: 2 })];

  assert.ok(large.pane.width < usual.pane.width);
  assert.ok(large.pane.height < usual.pane.height);
  assert.ok(texts(large, 'tick').length < texts(usual, 'tick').length);
});

test('one price alone is drawn; none, and no room, are not', () => {
  assert.match(laidOut([10]).line, /^M[\d.]+ [\d.]+h0$/);
  assert.equal(layOutArea(modelOf([null, null]), ROOM), null);
  assert.equal(layOutArea(modelOf([10, 11]), { ...ROOM, width: 20 }), null);
});

test('what the library alone draws is not plain', () => {
  assert.equal(isPlain(modelOf([1])), true);
  for (const more of [
    { kind: 'candles' as const },
    { logarithmic: true },
    { rsi: [null] },
    { macd: { macd: [], signal: [] } },
    { averages: { sma: [] } },
    { compared: { name: 'KO', values: [] } },
  ])
    assert.equal(isPlain(modelOf([1], more)), false);
});
