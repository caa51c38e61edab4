/** Requests that the document sends before the page's code is there (app.html). */

/** Names the paths to request early in the document's head, after the address that they are relative to. */
export const earlyRequests = (...paths: string[]): string => [__API_BASE__, ...paths].join(' ');

/** Returns the early response to a request for *path* with the same headers, once; null where there is none. */
export function takeEarly(path: string, headers: Headers): Promise<Response> | null {
  const early = window.early?.get(path);
  window.early?.delete(path);
  if (!early) return null;
  const same = [...headers].toString() === [...early.headers].toString();
  return same ? early.response : null;
}
