/** Marks of a chart as the charting library draws them. */
import type { SeriesMarker, Time, UTCTimestamp } from 'lightweight-charts';
import type { ChartModel, Mark } from '#lib/chart/chartModel.ts';
import type { Palette } from '#lib/chart/palette.ts';

interface Look {
  position: 'aboveBar' | 'belowBar';
  shape: SeriesMarker<Time>['shape'];
  color: keyof Palette;
  size: number;
}

const LOOKS: Record<Mark['kind'], Look> = {
  positive: { position: 'belowBar', shape: 'arrowUp', color: 'up', size: 0.8 },
  negative: { position: 'aboveBar', shape: 'arrowDown', color: 'down', size: 0.8 },
  neutral: { position: 'aboveBar', shape: 'circle', color: 'muted', size: 0.45 },
  split: { position: 'aboveBar', shape: 'square', color: 'ink', size: 0.6 },
  difference: { position: 'belowBar', shape: 'square', color: 'warn', size: 0.5 },
};

/** The marks of a model, one for each kind at a place. */
export function markersOf({ marks, places }: ChartModel, palette: Palette): SeriesMarker<Time>[] {
  const shown = new Map(marks.map((mark) => [`${mark.place} ${mark.kind}`, mark]));
  return [...shown.values()]
    .sort((one, other) => one.place - other.place)
    .flatMap(({ place, kind, text = '' }) => {
      const time = places[place]?.time;
      const look = LOOKS[kind];
      return time === undefined ? [] : { ...look, time: time as UTCTimestamp, color: palette[look.color], text };
    });
}
