/** The sentence of an alert, in the words of the API (functions/alerts/rules/sentence.py). */
import type { Condition, Repeat } from '#lib/alerts/draft.ts';

const SPANS: Record<string, string> = { '20_sessions': '20-session', '52_weeks': '52-week' };
const BASES: Record<string, string> = { previous_close: 'the previous close', session_open: 'the open' };
const MOVES: Record<string, (amount: string, basis: string) => string> = {
  up: (amount, basis) => `rises ${amount} or more above ${basis}`,
  down: (amount, basis) => `falls ${amount} or more below ${basis}`,
  any: (amount, basis) => `moves ${amount} or more from ${basis}`,
};
const REPEATS: Record<Repeat, string> = { once: 'once', session: 'once a session', always: 'every time' };
const MISSING = '…';

/**
 * Returns the sentence; an amount that is not given yet is an ellipsis. *ticker* is `*` for every tracked stock, or for
 * those of the list that is called *list*.
 */
export function sentenceOf(condition: Condition, ticker: string, repeat: Repeat, list: string | null = null): string {
  const each = ticker !== '*' || repeat === 'always' ? '' : ' for each stock';
  const many = list === null ? 'any tracked stock' : `any stock of “${list}”`;
  return `Tell me when ${describe(condition, ticker === '*' ? many : ticker)}, ${REPEATS[repeat]}${each}.`;
}

function describe({ kind, direction, basis, span, amount }: Condition, subject: string): string {
  switch (kind) {
    case 'price':
      return `${subject} is ${direction} ${dollars(amount)} at the end of an hour`;
    case 'change':
      return `${subject} ${MOVES[direction ?? '']?.(`${plain(amount)}%`, BASES[basis ?? ''] ?? '')}`;
    case 'volume':
      return `${subject} has traded ${plain(amount)} times its usual volume or more in the session`;
    case 'extreme':
      return `${subject} reaches a new ${SPANS[span ?? '']} ${direction}`;
    case 'insight':
      return `there is an insight${amount ? ` of significance ${plain(amount)} or more` : ''} about ${subject}`;
    case 'missing':
      return `a bar of ${subject} is missing`;
  }
}

function dollars(amount: number | null): string {
  if (amount === null) return `$${MISSING}`;
  const [whole = '0', digits = ''] = String(amount).split('.');
  return `$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${digits.padEnd(2, '0')}`;
}

const plain = (amount: number | null): string => (amount === null ? MISSING : String(amount));
