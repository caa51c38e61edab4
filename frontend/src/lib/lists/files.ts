/** Lists as files: the JSON that the account page exports, and plain text with tickers. */

export interface NamedList {
  name: string;
  tickers: readonly string[];
}

/** Most bytes of a file that is imported: 20 lists of 100 tickers are a tenth of it. */
export const MOST_BYTES = 200_000;

/** Returns *lists* as the text of a file. */
export function exportText(lists: readonly NamedList[]): string {
  return JSON.stringify({ lists: lists.map(({ name, tickers }) => ({ name, tickers })) }, null, 2) + '\n';
}

/**
 * Returns the lists in *text*: an export, the response of /lists, or tickers with spaces, commas or lines between them,
 * which become a list named after the file. Throws Error with what to change.
 */
export function parseLists(text: string, fileName: string): NamedList[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  const found = /^[[{]/.test(trimmed)
    ? parseJson(trimmed)
    : [{ name: nameOf(fileName), tickers: parseTickers(trimmed) }];
  const lists = found.filter(({ tickers }) => tickers.length);
  if (!lists.length) throw new Error('The file has no tickers.');
  return lists;
}

function parseTickers(text: string): string[] {
  const words = text.split(/[\s,;]+/).filter((word) => word && word.toLowerCase() !== 'ticker');
  return [...new Set(words.map((word) => word.replace(/^"|"$/g, '').slice(0, 50)))];
}

function parseJson(text: string): NamedList[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('The file begins like JSON, but is not valid JSON.');
  }
  const holder = value as { lists?: unknown; items?: unknown };
  const lists = Array.isArray(value) ? value : (holder.lists ?? holder.items);
  if (!Array.isArray(lists)) throw new Error('The file should hold lists: {"lists": [{"name": …, "tickers": […]}]}.');
  return lists.map((list: unknown) => {
    const { name, tickers } = (list ?? {}) as { name?: unknown; tickers?: unknown };
    if (typeof name !== 'string' || !Array.isArray(tickers) || !tickers.every((one) => typeof one === 'string'))
      throw new Error('Each list in the file should have a name and tickers, a list of texts.');
    return { name, tickers };
  });
}

function nameOf(fileName: string): string {
  return fileName.replace(/\.[^.]*$/, '').slice(0, 100) || 'Imported';
}
