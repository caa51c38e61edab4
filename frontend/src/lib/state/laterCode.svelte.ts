/** Code of a page that is loaded after its first figures; once loaded it is there at once, also on a way back. What `fetch` imports
    must not be imported while the page is built: its styles would be in the document, and come before the first figures. */
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
