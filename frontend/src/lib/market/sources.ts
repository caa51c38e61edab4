/** Names of data sources as people write them. */

const NAMES: Record<string, string> = {
  twelvedata: 'Twelve Data',
  finnhub: 'Finnhub',
  'alpaca-sip': 'Alpaca (all exchanges)',
  'alpaca-iex': 'Alpaca (IEX alone)',
  yahoo: 'Yahoo',
  import: 'imported files',
  replay: 'replayed files',
  simulated: 'simulated prices',
  mixed: 'several sources',
};

export const sourceName = (source: string | null): string => NAMES[source ?? ''] ?? source ?? 'unknown source';
