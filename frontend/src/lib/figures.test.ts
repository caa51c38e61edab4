// Figures and times as a reader sees them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capOf, changeOf, NONE, percentOf, plainOf, priceOf, shortName } from './figures.ts';
import { find } from './page/findTickers.ts';
import { roughly, span } from './time/countdown.ts';
import { dayAndTimeOf, formattedIn, isoDayOf, newYorkPartsOf, timeOf, zoneOf } from './time/format.ts';

test('a price has its stored digits, two at least, and no digit of binary arithmetic', () => {
  assert.equal(priceOf(0.1 + 0.2), '0.30');
  assert.equal(priceOf(189.96001), '189.96001');
  assert.equal(priceOf(629423.07), '629,423.07');
  assert.equal(priceOf(null), NONE);
});

test('figures are written as the browser’s own format writes them', () => {
  for (const [least, most] of [
    [2, 5],
    [2, 2],
    [1, 1],
    [0, 0],
  ] as const) {
    const format = new Intl.NumberFormat('en-US', { minimumFractionDigits: least, maximumFractionDigits: most });
    for (const value of [0, 0.5, 1.005, 0.000004, 9.995, 12.3, 140.22, 999.999999, 1000, 629423.07, 12_345_678])
      assert.equal(plainOf(value, least, most), format.format(value));
  }
});

test('a change has its sign, and rounds to nothing without one', () => {
  assert.equal(percentOf(1.238), '+1.24%');
  assert.equal(percentOf(-0.004), '0.00%');
  assert.equal(changeOf(-5955.6), '\u22125,955.60');
});

test('a company has its name without its legal form', () => {
  assert.deepEqual(['NVIDIA Corporation', 'Apple Inc.', 'The Home Depot, Inc.', 'Visa Inc.'].map(shortName), [
    'NVIDIA',
    'Apple',
    'Home Depot',
    'Visa',
  ]);
});

test('a market cap is short', () => {
  assert.equal(capOf(3_730_000), '$3.73T');
  assert.equal(capOf(78_200), '$78.2B');
});

test('a span has its two largest units', () => {
  assert.equal(span(65_000), '1 min 5 s');
  assert.equal(span(2 * 86_400_000 + 3_600_000 * 4 + 59_000), '2 d 4 h');
  assert.equal(span(-5), '0 s');
  assert.equal(roughly(3_700_000), '1 hour');
  assert.equal(roughly(2 * 86_400_000 + 5), '2 days');
  assert.equal(roughly(0), '0 seconds');
});

test('the exchange opens at 09:30 on both sides of the end of daylight saving time', () => {
  assert.equal(timeOf('2026-10-30T13:30:00Z'), '09:30');
  assert.equal(timeOf('2026-11-02T14:30:00Z'), '09:30');
  assert.deepEqual([zoneOf('2026-10-30T13:30:00Z'), zoneOf('2026-11-02T14:30:00Z')], ['EDT', 'EST']);
  assert.equal(dayAndTimeOf('2026-11-27T18:00:00Z'), 'Fri, Nov 27, 13:00');
  assert.equal(isoDayOf('2026-11-28T03:00:00Z'), '2026-11-27');
});

test('a search finds the ticker first, then names, then industries', () => {
  const item = (ticker: string, name: string, industry: string) => ({ ticker, name, exchange: null, industry });
  const items = [
    item('AMD', 'Advanced Micro Devices, Inc.', 'Semiconductors'),
    item('MA', 'Mastercard Incorporated', 'Financial Services'),
    item('MSFT', 'Microsoft Corporation', 'Technology'),
    item('UNH', 'UnitedHealth Group', 'Mass market'),
  ];

  const found = (typed: string) => find(items, typed).map(({ ticker }) => ticker);

  assert.deepEqual(found('ma'), ['MA', 'UNH']);
  assert.deepEqual(found('micro'), ['AMD', 'MSFT']);
  assert.deepEqual(found('zzz'), []);
});

test(
  'New York’s times by Temporal are those of the browser’s own format',
  { skip: !('Temporal' in globalThis) },
  () => {
    const formatted = formattedIn('America/New_York');
    const hour = 3_600_000;
    const changes = ['2026-03-08T07:00Z', '2026-11-01T06:00Z', '2026-12-31T05:00Z', '2026-07-01T04:00Z'];
    for (const instant of changes.flatMap((at) => [-hour, -1, 0, hour].map((shift) => Date.parse(at) + shift))) {
      const { weekday, month, day, year, hour, minute, timeZoneName } = formatted(instant);
      assert.deepEqual(newYorkPartsOf(instant), { weekday, month, day, year, hour, minute, timeZoneName });
    }
  },
);
