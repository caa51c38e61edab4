/** Attachment for parts of a page that load when a reader gets near them. */
import type { Attachment } from 'svelte/attachments';

export const whenNear =
  (arrive: () => void): Attachment =>
  (element) => {
    const watcher = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        watcher.disconnect();
        arrive();
      },
      { rootMargin: '300px' },
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  };
