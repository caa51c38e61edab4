/** Indicators over bars, one value a bar; null where there are too few bars, or a volume is not known. */

/** What an average looks at: prices in USD, volume in shares (null: not known). */
export interface Traded {
  high: number;
  low: number;
  close: number;
  volume: number | null;
}

export type Averages = (number | null)[];

/** The mean of the last `length` closes. */
export function simpleAverage(bars: readonly Traded[], length: number): Averages {
  let sum = 0;
  return bars.map((bar, index) => {
    sum += bar.close - (bars[index - length]?.close ?? 0);
    return index < length - 1 ? null : sum / length;
  });
}

/** The mean of closes that weighs each one less the older it is; it begins with the simple average of the first ones. */
export function exponentialAverage(bars: readonly Traded[], length: number): Averages {
  const weight = 2 / (length + 1);
  const first = simpleAverage(bars, length)[length - 1] ?? null;
  let average: number | null = null;
  return bars.map((bar, index) => {
    if (index === length - 1) average = first;
    else if (average !== null) average += (bar.close - average) * weight;
    return average;
  });
}

/**
 * The mean price of what was traded since the first bar with the same anchor: typical prices weighed by volume.
 * After a bar whose volume is not known it is not known either, until the anchor changes.
 */
export function volumeWeightedAverage<Bar extends Traded>(
  bars: readonly Bar[],
  anchorOf: (bar: Bar) => string,
): Averages {
  let anchor: string | null = null;
  let spent = 0;
  let shares: number | null = 0;
  return bars.map((bar) => {
    if (anchorOf(bar) !== anchor) [anchor, spent, shares] = [anchorOf(bar), 0, 0];
    if (bar.volume === null || shares === null) {
      shares = null;
      return null;
    }
    spent += ((bar.high + bar.low + bar.close) / 3) * bar.volume;
    shares += bar.volume;
    return shares === 0 ? null : spent / shares;
  });
}

const PERIOD = 14;

/** Wilder's relative strength index of 14 bars: 0 to 100. */
export function relativeStrength(bars: readonly Traded[]): Averages {
  let [gain, loss] = [0, 0];
  return bars.map(({ close }, index) => {
    const change = close - (bars[index - 1]?.close ?? close);
    if (index <= PERIOD) {
      gain += Math.max(change, 0) / PERIOD;
      loss += Math.max(-change, 0) / PERIOD;
    } else {
      gain += (Math.max(change, 0) - gain) / PERIOD;
      loss += (Math.max(-change, 0) - loss) / PERIOD;
    }
    if (index < PERIOD) return null;
    return gain + loss === 0 ? 50 : (100 * gain) / (gain + loss);
  });
}

/** Moving average convergence divergence: the exponential averages of 12 less 26 bars, and its average of 9. */
export function convergence(bars: readonly Traded[]): { macd: Averages; signal: Averages } {
  const fast = exponentialAverage(bars, 12);
  const slow = exponentialAverage(bars, 26);
  const macd = slow.map((value, index) => {
    const other = fast[index];
    return value === null || other == null ? null : other - value;
  });
  const known = macd.flatMap((value) => (value === null ? [] : [{ high: 0, low: 0, close: value, volume: null }]));
  const averages = exponentialAverage(known, 9);
  const first = macd.length - known.length;
  return { macd, signal: macd.map((_, index) => (index < first ? null : (averages[index - first] ?? null))) };
}

/**
 * The change in percent over the places from *first* on, to the last value: since the value before them, or where there is
 * none since *opening*, or since their first value.
 */
export function changeOver(values: Averages, first: number, opening: number | null = null): number | null {
  const known = (value: number | null) => value !== null;
  const base = values.slice(0, first).findLast(known) ?? opening ?? values.slice(first).find(known);
  const last = values.findLast(known);
  return base && last ? (last / base - 1) * 100 : null;
}
