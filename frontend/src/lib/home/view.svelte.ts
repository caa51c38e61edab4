/** What of the market is shown, as the page's address says: any state can be linked to. */
import { replaceState } from '$app/navigation';

export const KINDS = ['gainers', 'losers', 'active', 'unusual_volume', 'volatile'] as const;
export const BASES = ['previous_close', 'previous_bar', 'session_open'] as const;
export const SORTS = ['ticker', 'close', 'change', 'range', 'volume'] as const;

export type Kind = (typeof KINDS)[number];
export type Basis = (typeof BASES)[number];
export type Sort = (typeof SORTS)[number];

const one = <T extends string>(names: readonly T[], asked: string | null): T | undefined =>
  names.find((name) => name === asked);

export class View {
  kind = $state<Kind>('gainers');
  basis = $state<Basis>('previous_close');
  sort = $state<Sort>('ticker');
  falling = $state(false);
  filter = $state('');
  watched = $state(false);
  mapAsTable = $state(false);

  /** Takes over what *search* (`?movers=losers&…`) asks for; what it leaves open or gets wrong is as usual. */
  readFrom(search: string): void {
    const asked = new URLSearchParams(search);
    this.kind = one(KINDS, asked.get('movers')) ?? 'gainers';
    this.basis = one(BASES, asked.get('basis')) ?? 'previous_close';
    const sort = asked.get('sort') ?? '';
    this.sort = one(SORTS, sort.replace('-', '')) ?? 'ticker';
    this.falling = sort.startsWith('-');
    this.filter = asked.get('filter') ?? '';
    this.watched = asked.get('only') === 'watched';
    this.mapAsTable = asked.get('map') === 'table';
  }

  /** Makes the address say what is shown; nothing of what is usual. */
  write(): void {
    const said = new URLSearchParams();
    if (this.kind !== 'gainers') said.set('movers', this.kind);
    if (this.basis !== 'previous_close') said.set('basis', this.basis);
    if (this.sort !== 'ticker' || this.falling) said.set('sort', (this.falling ? '-' : '') + this.sort);
    if (this.filter) said.set('filter', this.filter);
    if (this.watched) said.set('only', 'watched');
    if (this.mapAsTable) said.set('map', 'table');
    const query = said.toString();
    replaceState(location.pathname + (query ? `?${query}` : '') + location.hash, {});
  }
}
