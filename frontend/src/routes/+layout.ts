// Pages are built once with nothing in them but their frame: figures come from the functions, in the browser.
export const prerender = true;
export const trailingSlash = 'never';
