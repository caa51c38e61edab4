/** The state of the home page, as its address says it: any state can be linked to. */

export const KINDS = ['gainers', 'losers', 'active', 'unusual_volume', 'volatile'] as const;
export const BASES = ['previous_close', 'previous_bar', 'session_open'] as const;
export const SORTS = ['size', 'ticker', 'close', 'change', 'volume'] as const;
export const TOPICS = ['market', 'company', 'industry', 'wrap'] as const;

export type Kind = (typeof KINDS)[number];
export type Basis = (typeof BASES)[number];
export type Sort = (typeof SORTS)[number];
/** The kind of insights that are shown. */
export type Topic = (typeof TOPICS)[number];

export interface View {
  kind: Kind;
  basis: Basis;
  sort: Sort;
  falling: boolean;
  filter: string;
  /** Only the watchlist. */
  watched: boolean;
  /** All rows of the prices, also where they would be cut. */
  all: boolean;
  mapAsTable: boolean;
  /** Null for insights of every kind. */
  topic: Topic | null;
  /** Insights of all hours that there are. */
  earlier: boolean;
  /** The stock that is shown beside the prices on wide screens. */
  stock: string | null;
}

const one = <T extends string>(names: readonly T[], asked: string | null): T | undefined =>
  names.find((name) => name === asked);

/** The view that an address asks for; what it leaves open or gets wrong is as usual. */
export function readView(asked: Pick<URLSearchParams, 'get'>): View {
  const sort = asked.get('sort') ?? '-size';
  const stock = asked.get('stock')?.toUpperCase() ?? null;
  return {
    kind: one(KINDS, asked.get('movers')) ?? 'gainers',
    basis: one(BASES, asked.get('basis')) ?? 'previous_close',
    sort: one(SORTS, sort.replace('-', '')) ?? 'size',
    falling: sort.startsWith('-'),
    filter: asked.get('filter') ?? '',
    watched: asked.get('only') === 'watched',
    all: asked.get('rows') === 'all',
    mapAsTable: asked.get('map') === 'table',
    topic: one(TOPICS, asked.get('insights')) ?? null,
    earlier: asked.get('hours') === 'all',
    stock: stock !== null && /^[A-Z][A-Z0-9.-]{0,14}$/.test(stock) ? stock : null,
  };
}

/** The query of the address that shows a view; nothing of what is usual. */
export function writeView(view: View): string {
  const query = new URLSearchParams();
  if (view.kind !== 'gainers') query.set('movers', view.kind);
  if (view.basis !== 'previous_close') query.set('basis', view.basis);
  if (view.sort !== 'size' || !view.falling) query.set('sort', (view.falling ? '-' : '') + view.sort);
  if (view.filter) query.set('filter', view.filter);
  if (view.watched) query.set('only', 'watched');
  if (view.all) query.set('rows', 'all');
  if (view.mapAsTable) query.set('map', 'table');
  if (view.topic) query.set('insights', view.topic);
  if (view.earlier) query.set('hours', 'all');
  if (view.stock) query.set('stock', view.stock);
  const text = query.toString();
  return text && `?${text}`;
}

/** A part of the home page that shows a view, and changes it. */
export interface Viewing {
  view: View;
  change: (to: Partial<View>) => void;
}
