/** Panels of the home page below its first screen, as code that is loaded later. */
import { LaterCode } from '#lib/state/laterCode.svelte.ts';

export const homePanels = new LaterCode(async () => {
  if (import.meta.env.SSR) throw new Error('only in a browser');
  return import('#lib/home/panels.ts');
});
