/** Runs *work* once the browser has painted what is drawn now; at once in a hidden tab, which paints nothing. */
export function afterPaint(work: () => void): void {
  if (document.hidden) setTimeout(work);
  else requestAnimationFrame(() => setTimeout(work));
}
