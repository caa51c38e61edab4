/** Line data for the charting library: a line breaks at missing bars. */
import type { UTCTimestamp } from 'lightweight-charts';

export interface Point {
  time: number;
  value: number | null;
  /** True where nothing may be drawn from here to the next point. */
  ends: boolean;
}

interface Options {
  /** Draw from one value to the next, whatever lies between. */
  across?: boolean;
  /** Begin anew with each day. */
  daily?: boolean;
}

/** The day in Greenwich, which ends between two sessions. */
const dayOf = (time: number): number => Math.floor(time / 86_400);

export function lineData(
  places: readonly { time: number }[],
  values: readonly (number | null)[],
  { across = false, daily = false }: Options = {},
): Point[] {
  return places.map(({ time }, index) => {
    const next = places[index + 1];
    const gap = !across && next !== undefined && (values[index + 1] ?? null) === null;
    const night = daily && next !== undefined && dayOf(next.time) !== dayOf(time);
    const value = values[index] ?? null;
    return { time, value, ends: value !== null && (gap || night) };
  });
}

/** A Unix second as the charting library wants it. */
export const at = (time: number): UTCTimestamp => time as UTCTimestamp;

/** A point as the charting library wants it: without a value where there is none. */
export const timed = ({ time, value }: Point) => (value === null ? { time: at(time) } : { time: at(time), value });

/** A series without labels of its own. */
export const QUIET = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false } as const;
