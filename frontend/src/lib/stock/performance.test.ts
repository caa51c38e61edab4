// Periods of performance.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bar } from '#lib/api/shapes.ts';
import { baseBar } from '#lib/stock/performance.ts';

const day = (date: string) => ({ datetime: `${date}T14:30:00Z` }) as Bar;
const days = ['2025-12-31', '2026-11-19', '2026-11-20', '2026-11-27'].map(day);

test('a period counts from the last close before its first day', () => {
  assert.equal(baseBar(days, '1W')?.datetime, '2026-11-20T14:30:00Z');
  assert.equal(baseBar(days, 'YTD')?.datetime, '2025-12-31T14:30:00Z');
});

test('it counts from none that is not stored', () => {
  assert.equal(baseBar(days, '1Y'), null);
});
