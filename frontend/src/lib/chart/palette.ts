/** The colours of the design that a chart draws with. */

const NAMES = {
  ground: '--surface',
  ink: '--ink',
  muted: '--muted',
  line: '--line',
  up: '--up',
  down: '--down',
  upWash: '--volume-up',
  downWash: '--volume-down',
  missing: '--warn-wash',
  sma: '--average-1',
  ema: '--average-2',
  vwap: '--average-3',
} as const;

/** Each colour as the browser shows it now. */
export type Palette = Record<keyof typeof NAMES, string>;

/** Returns the colours as they are within `element`: all in one go, since each look makes the browser lay out the page. */
export function paletteWithin(element: HTMLElement): Palette {
  const probes = Object.entries(NAMES).map(([name, variable]) => {
    const probe = document.createElement('i');
    probe.hidden = true;
    probe.style.color = `var(${variable})`;
    return [name, probe] as const;
  });
  element.append(...probes.map(([, probe]) => probe));
  const shown = probes.map(([name, probe]) => [name, getComputedStyle(probe).color]);
  for (const [, probe] of probes) probe.remove();
  return Object.fromEntries(shown) as Palette;
}
