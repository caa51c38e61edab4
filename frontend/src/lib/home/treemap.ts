/** Layout of the heat map: a tile for each stock, sectors together. Area grows with market cap, less than in proportion. */
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';

export interface Tile {
  ticker: string;
  name: string;
  sector: string;
  millions: number;
  change: number | null;
}

export interface Placed<T> {
  x: number;
  y: number;
  width: number;
  height: number;
  of: T;
}

export interface Layout {
  tiles: Placed<Tile>[];
  sectors: Placed<{ name: string }>[];
}

interface Node {
  name: string;
  tile?: Tile;
  children?: Node[];
}

const TITLE = 24;
const GAP = 2;
const SECTOR_GAP = 10;
/** Below 1, so that the smallest stocks have room for their names. */
const POWER = 0.7;

/** Places of *tiles* within *width* by *height* pixels, each sector with room for its name above it. */
export function layout(tiles: readonly Tile[], width: number, height: number): Layout {
  const sectors = Map.groupBy(tiles, (tile) => tile.sector);
  const root = hierarchy<Node>({
    name: '',
    children: [...sectors].map(([name, members]) => ({
      name,
      children: members.map((tile) => ({ name: tile.ticker, tile })),
    })),
  })
    .sum((node) => (node.tile?.millions ?? 0) ** POWER)
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const placed = treemap<Node>()
    .tile(treemapSquarify.ratio(1.2))
    .size([width, height])
    .paddingInner((node) => (node.depth === 0 ? SECTOR_GAP : GAP))
    .paddingTop((node) => (node.depth === 1 ? TITLE : 0))
    .round(true)(root);
  const place = (node: { x0: number; y0: number; x1: number; y1: number }) => ({
    x: node.x0,
    y: node.y0,
    width: Math.max(node.x1 - node.x0, 0),
    height: Math.max(node.y1 - node.y0, 0),
  });
  return {
    tiles: placed.leaves().flatMap((node) => (node.data.tile ? [{ ...place(node), of: node.data.tile }] : [])),
    sectors: (placed.children ?? []).map((node) => ({ ...place(node), of: { name: node.data.name } })),
  };
}

const STEPS = [0.25, 1, 2, 3];

/** The shade of a change in percent, from d4 over 0 to u4. */
export function shadeOf(change: number | null): string {
  const depth = change === null ? 0 : STEPS.filter((step) => Math.abs(change) >= step).length;
  return depth === 0 ? '0' : `${(change ?? 0) < 0 ? 'd' : 'u'}${depth}`;
}
