// The address of the home page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readView, writeView } from '#lib/home/view.ts';

const viewOf = (query: string) => readView(new URLSearchParams(query));

test('an address comes back as it was', () => {
  for (const query of [
    '',
    '?movers=losers&basis=session_open&sort=-change&filter=semi&only=watched&rows=all&map=table',
    '?insights=company&hours=all&stock=BRK.A',
    '?sort=ticker',
  ])
    assert.equal(writeView(viewOf(query)), query);
});

test('what an address gets wrong is as usual', () => {
  assert.equal(writeView(viewOf('?movers=best&sort=-colour&insights=gossip&hours=2&stock=<b>&map=globe')), '');
});
