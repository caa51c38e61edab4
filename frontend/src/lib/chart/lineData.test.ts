// Lines over missing bars.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineData } from '#lib/chart/lineData.ts';

const places = [0, 3600, 7200, 10_800].map((time) => ({ time }));

test('a line ends before a missing bar and begins again after it', () => {
  assert.deepEqual(
    lineData(places, [1, null, 3, 4]).map(({ ends }) => ends),
    [true, false, false, false],
  );
});

test('a comparison with fewer closes goes from one to the next', () => {
  assert.ok(lineData(places, [1, null, null, 4], { across: true }).every(({ ends }) => !ends));
});

test('a daily line ends with its day', () => {
  const days = [82_800, 86_400].map((time) => ({ time }));

  assert.deepEqual(
    lineData(days, [1, 2], { daily: true }).map(({ ends }) => ends),
    [true, false],
  );
});
