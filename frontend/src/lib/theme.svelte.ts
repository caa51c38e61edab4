/** Light or dark: the system's choice, until the reader makes one. */
import { browser } from '$app/env';
import { MediaQuery } from 'svelte/reactivity';

export type Choice = 'system' | 'light' | 'dark';

const dark = new MediaQuery('(prefers-color-scheme: dark)', false);

class Theme {
  #choice = $state<Choice>('system');

  constructor() {
    const chosen = browser ? document.documentElement.dataset.theme : undefined;
    if (chosen === 'light' || chosen === 'dark') this.#choice = chosen;
  }

  get choice(): Choice {
    return this.#choice;
  }

  /** What is shown; a chart that draws its own colours watches this. */
  get shown(): 'light' | 'dark' {
    return this.#choice === 'system' ? (dark.current ? 'dark' : 'light') : this.#choice;
  }

  choose(choice: Choice): void {
    this.#choice = choice;
    if (choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    try {
      if (choice === 'system') localStorage.removeItem('theme');
      else localStorage.setItem('theme', choice);
    } catch {
      // Then it lasts as long as the page.
    }
  }
}

export const theme = new Theme();
