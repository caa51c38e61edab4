// Words for empty answers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CODES, whenExpected, whyEmpty } from '#lib/state/absence.ts';

const MONDAY = '2026-11-30T15:31:00Z';
const reason = (code: string, at: string | null = null) => ({ code, text: 'A bar is missing.', ask_again_at: at });

test('every code of the API has words, and no word has none', () => {
  const documented = /The codes: (.*?)\.\n/s.exec(readFileSync('../docs/api.md', 'utf8'))?.[1] ?? '';
  const codes = [...documented.matchAll(/`([a-z-]+)`/g)].flatMap(([, code]) => code ?? []);

  assert.deepEqual(CODES.toSorted(), codes.toSorted());
  assert.ok(CODES.every((code) => !/\bbars?\b/.test(whyEmpty(reason(code)) ?? '')));
});

test('a code that is new has the text of the API, and no reason no words', () => {
  assert.equal(whyEmpty(reason('struck-by-lightning')), 'A bar is missing.');
  assert.equal(whyEmpty(null), null);
});

test('what is expected has its time, with the day where it is another one', () => {
  assert.equal(whenExpected(reason('future', MONDAY), Date.parse('2026-11-30T15:00:00Z')), 'Expected at 10:31 EST.');
  assert.equal(
    whenExpected(reason('future', MONDAY), Date.parse('2026-11-27T15:00:00Z')),
    'Expected on Mon, Nov 30, 10:31 EST.',
  );
  assert.equal(whenExpected(reason('future', MONDAY), Date.parse(MONDAY)), 'Expected any moment now.');
  assert.equal(whenExpected(reason('none-known'), 0), null);
});
