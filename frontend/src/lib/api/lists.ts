/** The lists of tickers of the reader's account. Everything here throws ApiError. */
import * as v from 'valibot';
import { read, send } from '#lib/api/fetching.ts';
import { errorOf } from '#lib/api/problems.ts';

const instant = v.pipe(v.string(), v.isoTimestamp());

export const TickerList = v.object({
  id: v.string(),
  name: v.string(),
  count: v.number(),
  tickers: v.array(v.string()),
  created_at: instant,
  changed_at: instant,
});
export const TickerLists = v.object({ count: v.number(), items: v.array(TickerList) });
export const AddedTickers = v.object({
  ...TickerList.entries,
  refused: v.array(v.object({ ticker: v.string(), reason: v.string() })),
});

export type TickerList = v.InferOutput<typeof TickerList>;
export type AddedTickers = v.InferOutput<typeof AddedTickers>;

async function sent(method: string, path: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (body) headers['Content-Type'] = 'application/json';
  const response = await send(path, { method, headers, body: body ? JSON.stringify(body) : null });
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function loadLists(): Promise<TickerList[]> {
  return (await read(await sent('GET', '/lists'), TickerLists)).items;
}

export async function createList(name: string, tickers: readonly string[]): Promise<AddedTickers> {
  return read(await sent('POST', '/lists', { name, tickers }), AddedTickers);
}

export async function addTickers(id: string, tickers: readonly string[]): Promise<AddedTickers> {
  return read(await sent('POST', `/lists/${id}/tickers`, { tickers }), AddedTickers);
}

export async function removeTicker(id: string, ticker: string): Promise<void> {
  await sent('DELETE', `/lists/${id}/tickers/${encodeURIComponent(ticker)}`);
}

export async function renameList(id: string, name: string): Promise<TickerList> {
  return read(await sent('PATCH', `/lists/${id}`, { name }), TickerList);
}

export async function deleteList(id: string): Promise<void> {
  await sent('DELETE', `/lists/${id}`);
}
