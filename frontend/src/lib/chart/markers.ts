/** Styles of a chart's markers, by kind. */
import type { SeriesMarker, Time, UTCTimestamp } from 'lightweight-charts';
import type { ChartModel, Mark } from '#lib/chart/chartModel.ts';
import type { Palette } from '#lib/chart/palette.ts';

export interface Look {
  position: 'aboveBar' | 'belowBar';
  shape: 'arrowUp' | 'arrowDown' | 'circle' | 'square';
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

/** The marks of a model in order, one for each kind at a place. */
export function looksOf({ marks }: ChartModel): { place: number; text: string; look: Look }[] {
  const shown = new Map(marks.map((mark) => [`${mark.place} ${mark.kind}`, mark]));
  return [...shown.values()]
    .sort((one, other) => one.place - other.place)
    .map(({ place, kind, text = '' }) => ({ place, text, look: LOOKS[kind] }));
}

/** The marks of a model as the charting library wants them. */
export const markersOf = (model: ChartModel, palette: Palette): SeriesMarker<Time>[] =>
  looksOf(model).flatMap(({ place, text, look }) => {
    const time = model.places[place]?.time;
    return time === undefined ? [] : { ...look, time: time as UTCTimestamp, color: palette[look.color], text };
  });
