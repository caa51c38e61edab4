/** The chart itself: the one module that knows the charting library, loaded only where a chart is. */
import {
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  HistogramSeries,
  LineSeries,
  LineStyle,
  createChart,
  createSeriesMarkers,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import { markOf, nameOf } from '#lib/chart/labels.ts';
import type { Palette } from '#lib/chart/palette.ts';
import type { Picture } from '#lib/chart/picture.ts';
import { AVERAGES, type Average, type Interval } from '#lib/chart/view.ts';

/** Places left empty at either edge. */
const ROOM = 2;
const AVERAGE_STYLES: Record<Average, LineStyle> = {
  sma: LineStyle.Solid,
  ema: LineStyle.Dashed,
  vwap: LineStyle.Dotted,
};

export class Drawing {
  #chart: IChartApi;
  #bars: ISeriesApi<'Candlestick'>;
  #volume: ISeriesApi<'Histogram'>;
  #missing: ISeriesApi<'Histogram'>;
  #averages = new Map<Average, ISeriesApi<'Line'>>();
  #markers: ISeriesMarkersPluginApi<Time>;
  #picture: Picture | null = null;
  #palette: Palette;

  /** Draws into `container`; `onPoint` hears which place is pointed at (null: none), `onPick` which one is clicked. */
  constructor(
    container: HTMLElement,
    palette: Palette,
    listeners: { onPoint: (index: number | null) => void; onPick: (index: number) => void },
  ) {
    this.#palette = palette;
    this.#chart = createChart(container, {
      autoSize: true,
      // The page names the library's makers beside the chart; their logo would need a style element, which the policy of
      // the page forbids.
      layout: { attributionLogo: false, fontFamily: getComputedStyle(container).fontFamily, fontSize: 12 },
      rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.08, bottom: 0.24 } },
      timeScale: { borderVisible: false, rightOffset: ROOM, minBarSpacing: 0.2 },
      crosshair: { mode: CrosshairMode.Normal },
      // The page is scrolled with the wheel; the chart by dragging and with Ctrl.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false, axisPressedMouseMove: { price: false } },
    });
    const quiet = { lastValueVisible: false, priceLineVisible: false } as const;
    this.#missing = this.#chart.addSeries(HistogramSeries, { ...quiet, priceScaleId: 'missing' });
    this.#chart.priceScale('missing').applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      ...quiet,
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
    });
    this.#chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#bars = this.#chart.addSeries(CandlestickSeries, { priceLineStyle: LineStyle.Dotted });
    this.#markers = createSeriesMarkers(this.#bars, []);
    this.#chart.subscribeCrosshairMove((event) => {
      if (event.sourceEvent || !event.point) listeners.onPoint(this.#placeAt(event.time));
    });
    this.#chart.subscribeClick((event) => {
      const index = this.#placeAt(event.time);
      if (index !== null) listeners.onPick(index);
    });
    this.paint(palette);
  }

  /** Shows a picture; the view jumps to its beginning only when it is of something else than the one before. */
  show(picture: Picture): void {
    const before = this.#picture;
    this.#picture = picture;
    this.#name(picture.interval);
    this.#bars.setData(
      picture.places.map(({ time, bar }) =>
        bar ? { time: at(time), open: bar.open, high: bar.high, low: bar.low, close: bar.close } : { time: at(time) },
      ),
    );
    this.#fill(picture);
    for (const name of AVERAGES) this.#average(name, picture);
    this.#mark(picture);
    if (before?.key !== picture.key) {
      this.#chart.timeScale().setVisibleLogicalRange({
        from: picture.first - ROOM,
        to: picture.places.length - 1 + ROOM,
      });
    }
  }

  /** Points at a place, as the mouse would; null: at none. */
  point(index: number | null): void {
    const places = this.#picture?.places ?? [];
    const place = index === null ? undefined : places[index];
    if (!place || index === null) return this.#chart.clearCrosshairPosition();
    const near = place.bar ?? places.slice(0, index).findLast(({ bar }) => bar)?.bar;
    this.#chart.setCrosshairPosition(near?.close ?? 0, at(place.time), this.#bars);
  }

  /** Wears other colours. */
  paint(palette: Palette): void {
    this.#palette = palette;
    this.#chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: palette.ground }, textColor: palette.muted },
      grid: { vertLines: { color: palette.line }, horzLines: { color: palette.line } },
      crosshair: {
        vertLine: { color: palette.muted, labelBackgroundColor: palette.ink },
        horzLine: { color: palette.muted, labelBackgroundColor: palette.ink },
      },
    });
    // Hollow and filled: which way a bar went can be seen without its colour.
    this.#bars.applyOptions({
      upColor: palette.ground,
      downColor: palette.down,
      borderUpColor: palette.up,
      borderDownColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
    });
    for (const [name, series] of this.#averages) series.applyOptions({ color: palette[name] });
    if (this.#picture) {
      this.#fill(this.#picture);
      this.#mark(this.#picture);
    }
  }

  /** Leaves nothing behind. */
  remove(): void {
    this.#chart.remove();
  }

  #name(interval: Interval): void {
    this.#chart.applyOptions({
      localization: { timeFormatter: (time: Time) => nameOf(Number(time), interval) },
      timeScale: {
        timeVisible: interval === '1h',
        tickMarkFormatter: (time: Time, kind: number) => markOf(Number(time), kind, interval),
      },
    });
  }

  #fill(picture: Picture): void {
    const { upWash, downWash, missing } = this.#palette;
    this.#volume.setData(
      picture.places.map(({ time, bar }) =>
        bar && bar.volume !== null
          ? { time: at(time), value: bar.volume, color: bar.close < bar.open ? downWash : upWash }
          : { time: at(time) },
      ),
    );
    this.#missing.setData(
      picture.places.map(({ time, bar }) => (bar ? { time: at(time) } : { time: at(time), value: 1, color: missing })),
    );
  }

  #average(name: Average, picture: Picture): void {
    const values = picture.averages[name];
    let series = this.#averages.get(name);
    if (!values) {
      if (series) this.#chart.removeSeries(series);
      this.#averages.delete(name);
      return;
    }
    if (!series) {
      series = this.#chart.addSeries(LineSeries, {
        lineWidth: 2,
        lineStyle: AVERAGE_STYLES[name],
        color: this.#palette[name],
        lastValueVisible: false,
        priceLineVisible: false,
        crosshairMarkerVisible: false,
      });
      this.#averages.set(name, series);
    }
    series.setData(
      picture.places.map(({ time }, index) => {
        const value = values[index] ?? null;
        if (value === null) return { time: at(time) };
        // It begins anew with each session: nothing leads from one to the next.
        const ends = name === 'vwap' && dayOf(time) !== dayOf(picture.places[index + 1]?.time ?? time);
        return { time: at(time), value, ...(ends ? { color: 'transparent' } : {}) };
      }),
    );
  }

  #mark(picture: Picture): void {
    const { up, down, muted } = this.#palette;
    const markers: SeriesMarker<Time>[] = picture.insights.flatMap(({ place, sentiment }) => {
      const time = picture.places[place]?.time;
      if (time === undefined) return [];
      if (sentiment === 'positive') return { time: at(time), position: 'belowBar', shape: 'arrowUp', color: up };
      if (sentiment === 'negative') return { time: at(time), position: 'aboveBar', shape: 'arrowDown', color: down };
      return { time: at(time), position: 'aboveBar', shape: 'circle', color: muted };
    });
    this.#markers.setMarkers(markers);
  }

  #placeAt(time: Time | undefined): number | null {
    const index = this.#picture?.places.findIndex((place) => place.time === time) ?? -1;
    return index < 0 ? null : index;
  }
}

const at = (time: number): UTCTimestamp => time as UTCTimestamp;

/** The day in Greenwich, which ends between two sessions. */
const dayOf = (time: number): number => Math.floor(time / 86_400);
