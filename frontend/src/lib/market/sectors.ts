/** Sectors: the industries of company profiles in nine groups. */

const SECTORS: Record<string, readonly string[]> = {
  Technology: ['Technology', 'Software', 'Hardware', 'IT Services'],
  Semiconductors: ['Semiconductors'],
  Media: ['Media', 'Communications', 'Telecommunication'],
  Consumer: [
    'Retail',
    'Automobiles',
    'Auto Components',
    'Hotels and Restaurants',
    'Textiles and Apparel',
    'Leisure Products',
  ],
  Staples: ['Beverages', 'Consumer Products', 'Tobacco', 'Food Products'],
  Financials: ['Banking', 'Financial Services', 'Insurance'],
  'Health care': ['Pharmaceuticals', 'Health Care', 'Life Sciences', 'Biotechnology'],
  Energy: ['Energy', 'Utilities'],
  Industrials: [
    'Aerospace and Defense',
    'Machinery',
    'Logistics and Transportation',
    'Industrial Conglomerates',
    'Airlines',
  ],
};
const BY_INDUSTRY = new Map(
  Object.entries(SECTORS).flatMap(([sector, industries]) =>
    industries.map((name) => [name.toLowerCase(), sector] as const),
  ),
);

/** The sector of an industry; “Other” for one that no sector lists. Finnhub writes “&” for “and”, and more words. */
export function sectorOf(industry: string | null): string {
  const name = (industry ?? '').toLowerCase().replaceAll('&', 'and').replaceAll(', ', ' and ');
  const found = BY_INDUSTRY.get(name);
  if (found) return found;
  for (const [known, sector] of BY_INDUSTRY) if (name && (name.includes(known) || known.includes(name))) return sector;
  return 'Other';
}
