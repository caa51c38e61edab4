// Files of lists: an export comes back as it was, plain text is one list, and all else is refused in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportText, parseLists } from './files.ts';

const LISTS = [
  { name: 'Chips', tickers: ['NVDA', 'AMD'] },
  { name: 'Große „Werte“', tickers: ['AAPL'] },
];
const TICKERS = ['AAPL', 'msft', 'BRK.B'];

test('an export is read as it was, and so is the response of /lists', () => {
  assert.deepEqual(parseLists(exportText(LISTS), 'lists.json'), LISTS);
  assert.deepEqual(parseLists(JSON.stringify({ count: 2, items: LISTS }), 'x'), LISTS);
  assert.deepEqual(parseLists(JSON.stringify(LISTS), 'x'), LISTS);
});

test('a text is one list, named after the file', () => {
  const text = '\uFEFFticker\r\nAAPL\r\nmsft\r\nBRK.B\r\nAAPL\r\n';
  assert.deepEqual(parseLists(text, 'My stocks.csv'), [{ name: 'My stocks', tickers: TICKERS }]);
  assert.deepEqual(parseLists('AAPL, msft; "BRK.B"', '.txt'), [{ name: 'Imported', tickers: TICKERS }]);
});

for (const text of [
  '',
  '[]',
  '{}',
  '{"lists": 5}',
  '{"lists": [null]}',
  '[{"name": 5}]',
  '{"a',
  '[{"name": "a", "tickers": [5]}]',
])
  test(`a file with ${JSON.stringify(text)} is refused in words`, () => {
    assert.throws(() => parseLists(text, 'x'), /file/);
  });
