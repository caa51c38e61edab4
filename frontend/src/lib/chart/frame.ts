/** Visible range of the time axis: at first, and after new bars unless the reader has scrolled. */

export interface Frame {
  from: number;
  to: number;
}

/** Places left empty at either edge. */
export const ROOM = 1;
/** The library rounds what it is given. */
const NOISE = 0.75;

interface Framed {
  key: string;
  frame: Frame;
}

/** The view of a model at first: its range, with room at either edge. */
export const frameOf = ({ first, places }: { first: number; places: readonly unknown[] }): Frame => ({
  from: first - ROOM,
  to: places.length - 1 + ROOM,
});

/** Pixels at 100 % text: half the width of a label on the time axis. */
export const HALF_LABEL = 24;

/** False for a place so near to an edge of the first view that its label would be cut. */
export function isLabelled(index: number, { from, to }: Frame, width: number, zoom: number): boolean {
  const x = ((index - from) / (to - from)) * width;
  const half = HALF_LABEL * zoom;
  return x >= half && x <= width - half;
}

/**
 * The frame to set for a model; null to leave the chart as the reader has moved it.
 *
 * *before* is what was set for the model before, *visible* what the chart shows now.
 */
export function nextFrame(
  model: { key: string; first: number; places: readonly unknown[] },
  before: Framed | null,
  visible: Frame | null,
): Frame | null {
  const frame = frameOf(model);
  if (before?.key !== model.key || visible === null) return frame;
  const moved =
    Math.abs(visible.to - visible.from - (before.frame.to - before.frame.from)) > NOISE ||
    Math.abs(visible.from - before.frame.from) > NOISE;
  return moved ? null : frame;
}
