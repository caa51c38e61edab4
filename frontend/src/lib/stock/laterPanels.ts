/** Panels of a stock's page below its price, as code that is loaded later. */
import { LaterCode } from '#lib/state/laterCode.svelte.ts';

export const stockPanels = new LaterCode(async () => {
  if (import.meta.env.SSR) throw new Error('only in a browser');
  return import('#lib/stock/panels.ts');
});
