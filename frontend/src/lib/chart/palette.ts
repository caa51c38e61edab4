/** Colours of the design that a chart draws with. */

const NAMES = {
  ground: '--ground',
  ink: '--ink',
  muted: '--ink-3',
  second: '--ink-2',
  line: '--line',
  control: '--control',
  up: '--up',
  down: '--down',
  upFill: '--up-fill',
  downFill: '--down-fill',
  warn: '--warn',
  missing: '--warn-soft',
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

/** A colour (`rgb(1, 2, 3)`) with an opacity. */
export const faded = (colour: string, opacity: number): string =>
  colour.replace(/^rgb\((.*)\)$/, (_, parts: string) => `rgba(${parts}, ${opacity})`);
