/** Duration formats: 2 d 4 h, 5 minutes. */

const UNITS: [seconds: number, name: string][] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** Returns *milliseconds* in its two largest units, "2 d 4 h" or "1 min 5 s"; nothing below zero. */
export function span(milliseconds: number): string {
  let seconds = Math.max(Math.round(milliseconds / 1000), 0);
  const first = UNITS.findIndex(([size]) => seconds >= size);
  if (first < 0) return '0 s';
  const parts: string[] = [];
  for (const [size, name] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count) parts.push(`${count} ${name}`);
  }
  return parts.join(' ');
}

const WORDS: Record<string, string> = { d: 'day', h: 'hour', min: 'minute', s: 'second' };

/** Returns *milliseconds* in words of its largest unit, "2 days", "1 minute": enough for an age. */
export function roughly(milliseconds: number): string {
  const [count = '0', unit = 's'] = span(milliseconds).split(' ');
  return `${count} ${WORDS[unit]}${count === '1' ? '' : 's'}`;
}
