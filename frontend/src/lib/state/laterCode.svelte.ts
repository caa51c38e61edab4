/** Code of a page that is loaded after its first figures; once loaded it is there at once, also on a way back. */
export class LaterCode<T> {
  loaded = $state.raw<T | null>(null);
  failed = $state(false);

  constructor(readonly fetch: () => Promise<T>) {}

  load = async (): Promise<void> => {
    this.failed = false;
    try {
      this.loaded ??= await this.fetch();
    } catch {
      this.failed = true;
    }
  };
}

export const homePanels = new LaterCode(() => import('#lib/home/panels.ts'));
export const stockPanels = new LaterCode(() => import('#lib/stock/panels.ts'));
