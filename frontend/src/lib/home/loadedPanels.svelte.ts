/** The panels of the home page once they are loaded: on a way back they are there at once. */
type Panels = typeof import('#lib/home/panels.ts');

let loaded = $state.raw<Panels | null>(null);
let failed = $state(false);

export const panels = {
  get loaded(): Panels | null {
    return loaded;
  },

  get failed(): boolean {
    return failed;
  },

  async load(): Promise<void> {
    failed = false;
    try {
      loaded ??= await import('#lib/home/panels.ts');
    } catch {
      failed = true;
    }
  },
};
