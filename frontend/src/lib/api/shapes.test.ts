// What the functions really answer (tests/shapes, written by tests/page/test_shapes.py) against what the page relies on.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import * as v from 'valibot';
import { Account, Login, NewToken, Tokens } from '#lib/api/accounts.ts';
import { Insights } from '#lib/api/insights.ts';
import { Problem } from '#lib/api/problems.ts';
import {
  Bars,
  Closes,
  Coverage,
  Disagreements,
  Indicators,
  Latest,
  Movers,
  Overview,
  Profile,
  Splits,
  Status,
  Tickers,
} from '#lib/api/shapes.ts';

const FOLDER = new URL('../../../../tests/shapes/', import.meta.url);

const RELIED_ON: [name: string, schema: v.GenericSchema][] = [
  ['status', Status],
  ['latest', Latest],
  ['tickers', Tickers],
  ['ticker', Profile],
  ['hours', Bars],
  ['hours', Closes],
  ['days', Bars],
  ['movers', Movers],
  ['overview', Overview],
  ['coverage', Coverage],
  ['disagreements', Disagreements],
  ['splits', Splits],
  ['indicators', Indicators],
  ['insights', Insights],
  ['problem', Problem],
  ['account', Account],
  ['login', Login],
  ['token', NewToken],
  ['tokens', Tokens],
];
/** Keys that only some answers of a shape have: derived bars say what they are made of, a 400 which parameter is wrong. */
const NOT_EVERYWHERE = new Set(['bars', 'bars_expected', 'complete', 'errors']);

const example = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));

/** Yields each path of a key that the schema reads and the answer does not have. */
function* absent(schema: v.GenericSchema, answer: unknown, path: string): Generator<string> {
  const one = schema as unknown as { type: string } & Record<string, unknown>;
  if (one.type === 'object') {
    for (const [key, entry] of Object.entries(one.entries as Record<string, v.GenericSchema>)) {
      if (NOT_EVERYWHERE.has(key)) continue;
      if (typeof answer !== 'object' || answer === null || !(key in answer)) yield `${path}.${key}`;
      else yield* absent(entry, (answer as Record<string, unknown>)[key], `${path}.${key}`);
    }
  } else if (one.type === 'array') {
    for (const item of answer as unknown[]) yield* absent(one.item as v.GenericSchema, item, `${path}[]`);
  } else if ('wrapped' in one) {
    if (answer !== null) yield* absent(one.wrapped as v.GenericSchema, answer, path);
  }
}

for (const [name, schema] of RELIED_ON) {
  test(`the page understands ${name}.json`, () => {
    const { issues } = v.safeParse(schema, example(name));
    assert.deepEqual(issues?.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`) ?? [], []);
  });

  // A default must not hide that a key was renamed.
  test(`${name}.json has every key that the page reads`, () => {
    assert.deepEqual([...absent(schema, example(name), name)], []);
  });
}

test('each answer that is kept here is read by the page', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  assert.deepEqual(
    files.map((file) => file.replace('.json', '')).sort(),
    [...new Set(RELIED_ON.map(([name]) => name))].sort(),
  );
});
