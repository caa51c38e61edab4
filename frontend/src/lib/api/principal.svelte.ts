/** Signed-in account of this tab: token and email, in session storage only, never in an address. */
import { browser } from '$app/env';

const KEY = 'principal';

interface Kept {
  token: string;
  email: string;
}

class Principal {
  #kept = $state.raw<Kept | null>(null);

  constructor() {
    if (!browser) return;
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Partial<Kept> | null;
      if (typeof kept?.token === 'string' && typeof kept.email === 'string')
        this.#kept = { token: kept.token, email: kept.email };
    } catch {
      // Storage is blocked, or holds something else: nobody is logged in.
    }
  }

  get token(): string | null {
    return this.#kept?.token ?? null;
  }

  get email(): string | null {
    return this.#kept?.email ?? null;
  }

  logIn(email: string, token: string): void {
    this.#kept = { email, token };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // Then it lasts as long as the page.
    }
  }

  logOut(): void {
    this.#kept = null;
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // There was nothing kept either.
    }
  }
}

export const principal = new Principal();
