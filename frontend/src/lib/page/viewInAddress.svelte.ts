/** The state of a page, kept in its address. While a navigation is under way, the state is ahead of the address, so that a second change keeps the first. */
import { goto } from '$app/navigation';

export class ViewInAddress<View> {
  #ahead = $state.raw<View | null>(null);
  readonly #read: () => View;
  readonly #write: (view: View) => string;

  /** *read* returns the view that the address asks for; *write* the query of the address that shows a view. */
  constructor(read: () => View, write: (view: View) => string) {
    this.#read = read;
    this.#write = write;
  }

  get view(): View {
    return this.#ahead ?? this.#read();
  }

  /** Shows *view*, in place of the entry of the history or as a new one. */
  async show(view: View, replace = true): Promise<void> {
    this.#ahead = view;
    try {
      await goto(this.#write(view) || location.pathname, { replace, reset: false });
    } finally {
      if (this.#ahead === view) this.#ahead = null;
    }
  }
}
