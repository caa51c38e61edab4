/** Attachment for parts of a page that load when a reader gets near them. */
import type { Attachment } from 'svelte/attachments';

export const whenNear =
  (arrive: () => void, rootMargin = '300px'): Attachment =>
  (element) => {
    const watcher = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        watcher.disconnect();
        arrive();
      },
      { rootMargin },
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  };
