/** Words for the parts of alerts and channels. */
import type { Kind, Repeat } from '#lib/alerts/draft.ts';
import type { Channel } from '#lib/alerts/requests.ts';

export const STATES = { active: 'On', paused: 'Paused', done: 'Completed: fires once' } as const;

export const KIND_NAMES: Record<Kind, string> = {
  price: 'A price',
  change: 'A rise or fall',
  volume: 'High volume',
  extreme: 'A new high or low',
  insight: 'An insight',
  missing: 'Missing data',
};

interface Option {
  value: string;
  label: string;
}
interface Choice {
  legend: string;
  options: readonly Option[];
}

export const DIRECTIONS: Partial<Record<Kind, Choice>> = {
  price: {
    legend: 'Direction',
    options: [
      { value: 'above', label: 'Above' },
      { value: 'below', label: 'Below' },
    ],
  },
  change: {
    legend: 'Direction',
    options: [
      { value: 'down', label: 'Falls' },
      { value: 'up', label: 'Rises' },
      { value: 'any', label: 'Either way' },
    ],
  },
  extreme: {
    legend: 'High or low',
    options: [
      { value: 'high', label: 'New high' },
      { value: 'low', label: 'New low' },
    ],
  },
};
export const BASES: Choice = {
  legend: 'Measured from',
  options: [
    { value: 'previous_close', label: 'Previous close' },
    { value: 'session_open', label: 'Today’s open' },
  ],
};
export const SPANS: Choice = {
  legend: 'Period',
  options: [
    { value: '20_sessions', label: '20 sessions' },
    { value: '52_weeks', label: '52 weeks' },
  ],
};
export const REPEAT_OPTIONS: readonly { value: Repeat; label: string }[] = [
  { value: 'once', label: 'Once' },
  { value: 'session', label: 'Once a session' },
  { value: 'always', label: 'Every time' },
];

/** The name of the amount, its unit, and what helps to choose it. */
export const AMOUNTS: Partial<Record<Kind, { name: string; unit: string; hint?: string }>> = {
  price: { name: 'Price', unit: 'USD' },
  change: { name: 'By', unit: '% or more' },
  volume: {
    name: 'Volume of the session so far',
    unit: 'times the usual or more',
    hint: 'Usual is what the last 20 sessions had traded at the same hour.',
  },
  insight: {
    name: 'Significance (optional)',
    unit: 'or more',
    hint: '1 is an ordinary day. Leave it empty for every insight.',
  },
};
export const MISSING_HINT = 'A bar counts as missing when it is not stored half an hour after its end.';

export const CHANNEL_KINDS: Record<Channel['kind'], string> = {
  push: 'Notifications',
  email: 'Email',
  webhook: 'Webhook',
  apprise: 'Other services',
};

export const CHANNEL_STATES = { active: 'On', disabled: 'Off', unconfirmed: 'Not confirmed' } as const;
