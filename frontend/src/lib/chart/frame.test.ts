// The window of a chart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextFrame } from '#lib/chart/frame.ts';

const model = (places: number, first = 0, key = 'KO 1M 1h') => ({ key, first, places: Array.from({ length: places }) });

test('a chart opens on its range', () => {
  assert.deepEqual(nextFrame(model(100, 40), null, null), { from: 39, to: 100 });
});

test('missing bars that become known after the bars keep the newest session in view', () => {
  const opened = { key: 'KO 1M 1h', frame: { from: 39, to: 100 } };

  assert.deepEqual(nextFrame(model(110, 45), opened, { from: 39, to: 100.2 }), { from: 44, to: 110 });
});

test('a chart that the reader has moved stays where it is', () => {
  const opened = { key: 'KO 1M 1h', frame: { from: 39, to: 100 } };

  assert.equal(nextFrame(model(110, 45), opened, { from: 20, to: 81 }), null);
});

test('another range opens anew', () => {
  const opened = { key: 'KO 1W 1h', frame: { from: 39, to: 100 } };

  assert.deepEqual(nextFrame(model(110, 45), opened, { from: 20, to: 81 }), { from: 44, to: 110 });
});
