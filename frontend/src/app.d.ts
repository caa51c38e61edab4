// What the build puts into the page from outside.
declare global {
  /** Where the functions are, without a slash at the end: `/api`, or an address on another host. */
  const __API_BASE__: string;

  interface Window {
    /** Requests that the document itself has sent, by path. */
    early?: Map<string, { headers: Headers; response: Promise<Response> }>;
  }
}

export {};
