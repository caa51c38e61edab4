// Changes that a device sends to the account, and the list it continues with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesSince, listFor } from './changes.ts';

const list = (id: string, name: string) => ({ id, name, count: 0, tickers: [], created_at: '', changed_at: '' });
const LISTS = [list('1', 'Chips'), list('2', 'WATCHLIST')];

test('at the first sign-in all stocks of the device are new', () => {
  assert.deepEqual(changesSince(null, ['AAPL', 'MSFT']), { added: ['AAPL', 'MSFT'], removed: [] });
});

test('later only what changed since is sent, so that a stock removed elsewhere stays removed', () => {
  const base = { id: '1', tickers: ['AAPL', 'MSFT', 'KO'] };
  assert.deepEqual(changesSince(base, ['AAPL', 'NVDA', 'KO']), { added: ['NVDA'], removed: ['MSFT'] });
  assert.deepEqual(changesSince(base, base.tickers), { added: [], removed: [] });
});

test('a device goes on with the list it had, then with the usual one, then with the first', () => {
  assert.equal(listFor(LISTS, { id: '1', tickers: [] })?.id, '1');
  assert.equal(listFor(LISTS, { id: 'deleted', tickers: [] })?.id, '2');
  assert.equal(listFor(LISTS.slice(0, 1), null)?.id, '1');
  assert.equal(listFor([], null), null);
});

test('stocks that were starred before the first sign-in go into no list of another name', () => {
  assert.equal(listFor(LISTS.slice(0, 1), null, ['AAPL']), null);
  assert.equal(listFor(LISTS, null, ['AAPL'])?.id, '2');
});
