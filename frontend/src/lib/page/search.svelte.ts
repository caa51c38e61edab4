/** Whether the search is open: several places of the page open it. */

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
