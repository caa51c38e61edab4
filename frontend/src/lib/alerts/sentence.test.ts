// The preview of an alert has the words that the API gives it (tests/alerts/sentences.json).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Condition, Repeat } from '#lib/alerts/draft.ts';
import { sentenceOf } from '#lib/alerts/sentence.ts';

const FILE = new URL('../../../../tests/alerts/sentences.json', import.meta.url);

interface Case extends Condition {
  ticker: string;
  list: string | null;
  repeat: Repeat;
  sentence: string;
}

test('the preview of every kind of alert is the sentence of the API', () => {
  const cases = JSON.parse(readFileSync(FILE, 'utf8')) as Case[];

  assert.ok(cases.length > 50);
  for (const { ticker, list, repeat, sentence, ...condition } of cases)
    assert.equal(sentenceOf(condition, ticker, repeat, list), sentence);
});

test('an amount that is not given yet is left open', () => {
  const condition: Condition = { kind: 'price', direction: 'above', basis: null, span: null, amount: null };

  assert.equal(sentenceOf(condition, 'KO', 'once'), 'Tell me when KO is above $… at the end of an hour, once.');
});
