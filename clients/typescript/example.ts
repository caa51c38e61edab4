// Prints the newest close of a stock and its days: node example.ts http://localhost:8080/api AAPL
import type { BarsResponse, LatestResponse, operations, Problem } from './index.d.ts';

type BarsQuery = NonNullable<operations['get_ohlc_ticker']['parameters']['query']>;

const [url, ticker] = process.argv.slice(2);

async function get<Answer>(path: string, query: Record<string, string | number> = {}): Promise<Answer> {
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await fetch(`${url}${path}?${parameters}`);
  if (answer.ok) return (await answer.json()) as Answer;
  const problem = (await answer.json()) as Problem;
  throw new Error(problem.detail);
}

const latest = await get<LatestResponse>('/latest', { tickers: ticker ?? '' });
for (const item of latest.items) if ('close' in item) console.log(item.ticker, item.close, latest.as_of);

const query = { interval: '1d', limit: 5 } satisfies BarsQuery;
const days = await get<BarsResponse>(`/ohlc/${ticker}`, query);
for (const bar of days.items) if ('date' in bar) console.log(bar.date, bar.close, bar.complete);
