/** Sign-out of this browser: deletes all account data except the watchlist. */
import { unseen } from '#lib/alerts/unseen.svelte.ts';
import { principal } from '#lib/api/principal.svelte.ts';
import { forget, resetAll } from '#lib/api/resources.ts';
import { watchlist } from '#lib/watchlist.svelte.ts';

/** Ends notifications in this browser, then the session with *end*, and forgets the account. Throws what *end* throws. */
export async function leave(end: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  // A computer may be shared: its next reader gets no notification about this one's alerts.
  const { push } = await import('#lib/alerts/push.svelte.ts');
  await push.disable(true);
  await end();
  forgetAccount();
}

/** Forgets the account. Notifications stay: whoever signs in again, as somebody else, ends them. */
export function forgetAccount(): void {
  principal.logOut();
  watchlist.signOut();
  unseen.clear();
  forget('/alerts');
  resetAll();
}
