// What the build puts into the page from outside.
declare global {
  /** Where the functions are, without a slash at the end: `/api`, or an address on another host. */
  const __API_BASE__: string;
}

export {};
