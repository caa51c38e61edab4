// A stream of events is read in whatever pieces it comes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser } from './parser.ts';

const STREAM =
  ': StocksALot\n\nevent: bars\nid: 5..\ndata: {"as_of": null}\n\nevent: insights\nid: 5.7-1.\ndata: {"hour": "x"}\n\nretry: 1000\n\n';
const EVENTS = [
  { name: 'bars', id: '5..', data: '{"as_of": null}' },
  { name: 'insights', id: '5.7-1.', data: '{"hour": "x"}' },
];

test('a whole stream has its events and its retry', () => {
  assert.deepEqual(new EventParser().push(STREAM), { events: EVENTS, retry: 1000 });
});

test('pieces of any size make the same events', () => {
  for (const size of [1, 2, 7, 50]) {
    const parser = new EventParser();
    const pieces = Array.from({ length: Math.ceil(STREAM.length / size) }, (_, at) =>
      parser.push(STREAM.slice(at * size, (at + 1) * size)),
    );
    assert.deepEqual(
      pieces.flatMap(({ events }) => events),
      EVENTS,
    );
    assert.deepEqual(
      pieces.map(({ retry }) => retry).filter((retry) => retry !== null),
      [1000],
    );
  }
});

test('comments, unknown fields and a retry that is no number change nothing', () => {
  const parsed = new EventParser().push(':x\nretry: soon\n\nwhat: ever\n\nretry: 99999999999\n\n');
  assert.deepEqual(parsed, { events: [], retry: null });
});

test('an event without an end is an error, not a page full of memory', () => {
  const parser = new EventParser();
  assert.throws(() => {
    for (let at = 0; at < 100; at++) parser.push('data: '.padEnd(1000, 'x'));
  }, /no end/);
});
