/** The reader's settings, kept in this browser: language of figures, time zone, colours of up and down. */
import { browser } from '$app/env';
import { locale } from '#lib/figures.ts';
import { zone } from '#lib/time/format.ts';

const KEY = 'settings';

export const LOCALES = {
  'en-US': 'English: 1,234.56',
  'de-DE': 'German: 1.234,56',
  'fr-FR': 'French: 1 234,56',
} as const;
export const ZONES = { exchange: 'New York (the exchange)', device: 'This device' } as const;
export const COLOURS = { blue: 'Blue and orange', green: 'Green and red' } as const;

export interface Choices {
  locale: keyof typeof LOCALES;
  zone: keyof typeof ZONES;
  colours: keyof typeof COLOURS;
}

const USUAL: Choices = { locale: 'en-US', zone: 'exchange', colours: 'blue' };

const oneOf = <Names extends object>(names: Names, value: unknown, usual: keyof Names): keyof Names =>
  typeof value === 'string' && value in names ? (value as keyof Names) : usual;

class Settings {
  #choices = $state.raw<Choices>(USUAL);

  constructor() {
    if (!browser) return;
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Choices>;
      this.#choices = {
        locale: oneOf(LOCALES, kept.locale, USUAL.locale),
        zone: oneOf(ZONES, kept.zone, USUAL.zone),
        colours: oneOf(COLOURS, kept.colours, USUAL.colours),
      };
    } catch {
      // Storage is blocked, or holds something else.
    }
    this.#apply();
  }

  get choices(): Choices {
    return this.#choices;
  }

  change(to: Partial<Choices>): void {
    this.#choices = { ...this.#choices, ...to };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // Then they last as long as the page.
    }
    this.#apply();
  }

  #apply(): void {
    locale.set(this.#choices.locale);
    zone.set(this.#choices.zone === 'device' ? undefined : 'America/New_York');
    const root = document.documentElement;
    if (this.#choices.colours === 'green') root.dataset.colours = 'green';
    else delete root.dataset.colours;
  }
}

export const settings = new Settings();
