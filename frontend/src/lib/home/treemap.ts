/** Where each tile of the heat map goes: squares as far as that is possible, industries together, by market cap. */
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';

export interface Tile {
  ticker: string;
  name: string;
  industry: string;
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
  industries: Placed<{ name: string; millions: number }>[];
}

interface Node {
  name: string;
  tile?: Tile;
  children?: Node[];
}

const TITLE = 18;
const GAP = 2;

/** Returns the places of *tiles* within *width* by *height* pixels, each industry with room for its name above it. */
export function layout(tiles: readonly Tile[], width: number, height: number): Layout {
  const industries = Map.groupBy(tiles, (tile) => tile.industry);
  const root = hierarchy<Node>({
    name: '',
    children: [...industries].map(([name, members]) => ({
      name,
      children: members.map((tile) => ({ name: tile.ticker, tile })),
    })),
  })
    .sum((node) => node.tile?.millions ?? 0)
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const placed = treemap<Node>()
    .tile(treemapSquarify.ratio(1.2))
    .size([width, height])
    .paddingOuter(GAP)
    .paddingInner(GAP)
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
    industries: (placed.children ?? []).map((node) => ({
      ...place(node),
      of: { name: node.data.name, millions: node.value ?? 0 },
    })),
  };
}

/** Returns which of seven shades *change* (percent) has, from -3 to 3. */
export function shadeOf(change: number | null): number {
  if (change === null || Math.abs(change) < 0.05) return 0;
  const depth = Math.abs(change) < 0.75 ? 1 : Math.abs(change) < 2 ? 2 : 3;
  return Math.sign(change) * depth;
}
