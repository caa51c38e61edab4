/** Series of a chart's prices: area or candles, their volume, the places of missing hours, and marks. */
import {
  AreaSeries,
  CandlestickSeries,
  HistogramSeries,
  createSeriesMarkers,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type Time,
} from 'lightweight-charts';
import { END_SIZE, FEW } from '#lib/chart/areaLayout.ts';
import type { AxisLabels } from '#lib/chart/axisLabels.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { at, lineData, QUIET, timed } from '#lib/chart/lineData.ts';
import { markersOf } from '#lib/chart/markers.ts';
import { faded, type Palette } from '#lib/chart/palette.ts';

export class PriceSeries {
  #area: ISeriesApi<'Area'>;
  #candles: ISeriesApi<'Candlestick'>;
  #volume: ISeriesApi<'Histogram'>;
  #missing: ISeriesApi<'Histogram'>;
  #markers: ISeriesMarkersPluginApi<Time>[];

  constructor(chart: IChartApi, { priceFormat }: AxisLabels) {
    this.#missing = chart.addSeries(HistogramSeries, { ...QUIET, priceScaleId: 'missing' });
    chart.priceScale('missing').applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
    this.#volume = chart.addSeries(HistogramSeries, {
      ...QUIET,
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
    });
    chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.87, bottom: 0 } });
    this.#area = chart.addSeries(AreaSeries, { ...QUIET, priceFormat, crosshairMarkerVisible: true, lineWidth: 2 });
    this.#candles = chart.addSeries(CandlestickSeries, { ...QUIET, priceFormat });
    this.#markers = [createSeriesMarkers(this.#area, []), createSeriesMarkers(this.#candles, [])];
  }

  /** Returns the series that shows the prices of *model*. */
  shown(model: ChartModel | null): ISeriesApi<'Area'> | ISeriesApi<'Candlestick'> {
    return model?.kind === 'candles' ? this.#candles : this.#area;
  }

  draw(model: ChartModel, palette: Palette): void {
    const { kind, places } = model;
    this.#color(model, palette);
    this.#area.setData(
      lineData(
        places,
        places.map(({ bar }) => bar?.close ?? null),
      ).map((point) =>
        point.ends
          ? { ...timed(point), lineColor: 'transparent', topColor: 'transparent', bottomColor: 'transparent' }
          : timed(point),
      ),
    );
    // Places come with the area, be it seen or not.
    const bars = kind === 'candles' ? places.flatMap(({ time, bar }) => (bar ? { ...bar, time: at(time) } : [])) : [];
    this.#candles.setData(bars.map(({ time, open, high, low, close }) => ({ time, open, high, low, close })));
    this.#volume.setData(
      bars.flatMap(({ time, open, close, volume }) =>
        volume === null
          ? []
          : { time, value: volume, color: faded(close < open ? palette.downFill : palette.upFill, 0.38) },
      ),
    );
    this.#missing.setData(
      places.flatMap(({ time, bar }) => (bar ? [] : { time: at(time), value: 1, color: palette.missing })),
    );
  }

  mark(model: ChartModel, palette: Palette): void {
    const markers = markersOf(model, palette);
    const last = model.places.findLast(({ bar }) => bar);
    if (last && model.kind === 'area')
      markers.push({
        time: at(last.time),
        position: 'inBar',
        shape: 'circle',
        size: END_SIZE,
        color: fillOf(model, palette),
      });
    const candles = model.kind === 'candles';
    this.#markers[0]?.setMarkers(candles ? [] : markers);
    this.#markers[1]?.setMarkers(candles ? markers : []);
  }

  #color(model: ChartModel, palette: Palette): void {
    const { ground, upFill, downFill } = palette;
    const candles = model.kind === 'candles';
    const fill = fillOf(model, palette);
    this.#area.applyOptions({
      visible: !candles,
      lineColor: fill,
      topColor: faded(fill, 0.24),
      bottomColor: faded(fill, 0),
      pointMarkersVisible: model.places.length - model.first <= FEW,
      pointMarkersRadius: 2.5,
    });
    // Hollow and filled: the direction of a bar can be seen without its colour.
    this.#candles.applyOptions({
      visible: candles,
      upColor: ground,
      downColor: downFill,
      borderUpColor: upFill,
      borderDownColor: downFill,
      wickUpColor: upFill,
      wickDownColor: downFill,
    });
  }
}

/** The colour of a price above or below the previous close. */
function fillOf({ places, base }: ChartModel, palette: Palette): string {
  const last = places.findLast(({ bar }) => bar)?.bar?.close;
  return last !== undefined && base !== null && last < base ? palette.downFill : palette.upFill;
}
