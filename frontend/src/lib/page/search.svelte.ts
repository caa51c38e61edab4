/** State of the search dialog, shared by all components that open it. */

class Search {
  shown = $state(false);

  open(): void {
    this.shown = true;
  }

  close(): void {
    this.shown = false;
  }
}

export const search = new Search();
