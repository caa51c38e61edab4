/** Words for why an answer is empty, and for when there may be something. */
import type { Reason } from '#lib/api/shapes.ts';
import { shortly, zoneOf } from '#lib/time/format.ts';

/** By the stable codes of the API, whose own texts speak to programmers. */
const WORDS: Record<string, string> = {
  'market-closed': 'The exchange is closed at that time: a weekend, a holiday or overnight.',
  future: 'That session has not started yet.',
  'beyond-calendar': 'The trading calendar of this installation does not reach that far.',
  'before-history': 'The stored history begins later.',
  'not-tracked-then': 'It is no longer tracked.',
  'not-fetched-then': 'Nothing had been fetched by then.',
  'not-fetched': 'Nothing has been fetched from a source yet.',
  'not-finished': 'The first hour has not ended yet.',
  'not-at-provider': 'The source has no data for it.',
  rejected: 'The source’s data failed validation and was rejected.',
  'no-bar-starts': 'No hour begins in this period.',
  'last-page': 'There are no older entries.',
  'none-measured': 'No stock can be measured yet.',
  'none-qualifies': 'Nothing qualifies at the moment.',
  'none-known': 'None is known.',
  'none-found': 'None was found.',
  'not-compared': 'It has not been compared with a second source.',
  'none-tracked': 'No stocks are tracked. The operator of this installation chooses them.',
  'totals-only': 'Only totals were requested.',
  'no-match': 'Nothing matches.',
  'not-written': 'They are written once an hour is complete.',
};

/** The codes that have words here. */
export const CODES = Object.keys(WORDS);

/** Returns why there is nothing; null where the answer does not say. */
export const whyEmpty = (reason: Reason | null): string | null => (reason ? (WORDS[reason.code] ?? reason.text) : null);

/** Returns when there may be something; null where nothing is expected. */
export function whenExpected(reason: Reason | null, now: number): string | null {
  const at = reason?.ask_again_at;
  if (!at) return null;
  if (Date.parse(at) <= now) return 'Expected any moment now.';
  return `Expected at ${shortly(at, now)} ${zoneOf(at)}.`.replace(/at (\w{3}, )/, 'on $1');
}
