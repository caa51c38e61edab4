/** Draws a chart model: the one module that knows the charting library, loaded only where a chart is. */
import {
  AreaSeries,
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  HistogramSeries,
  LineSeries,
  LineStyle,
  PriceScaleMode,
  createChart,
  createSeriesMarkers,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import { AxisLabels, zoom } from '#lib/chart/axisLabels.ts';
import { nextFrame, type Frame } from '#lib/chart/frame.ts';
import { lineData, type Point } from '#lib/chart/lineData.ts';
import { markersOf } from '#lib/chart/markers.ts';
import { faded, type Palette } from '#lib/chart/palette.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { AVERAGES } from '#lib/chart/view.ts';

const STYLES = { sma: LineStyle.Solid, ema: LineStyle.Dashed, vwap: LineStyle.Dotted } as const;
/** Points of a line that can be told apart. */
const FEW = 40;
const FONT = "'Instrument Sans', 'Adjusted Arial', system-ui, sans-serif";
const QUIET = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false } as const;

export class ChartRenderer {
  #chart: IChartApi;
  #area: ISeriesApi<'Area'>;
  #candles: ISeriesApi<'Candlestick'>;
  #volume: ISeriesApi<'Histogram'>;
  #missing: ISeriesApi<'Histogram'>;
  /** Lines by name: averages, the comparison, and indicators in panes of their own. */
  #lines = new Map<string, ISeriesApi<'Line'>>();
  #markers: ISeriesMarkersPluginApi<Time>[];
  #labels: AxisLabels;
  #model: ChartModel | null = null;
  #pointed = false;
  #framed: { key: string; frame: Frame } | null = null;
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
      layout: {
        attributionLogo: false,
        fontFamily: FONT,
        fontSize: 12 * zoom(),
        panes: { enableResize: false },
      },
      grid: { vertLines: { visible: false } },
      rightPriceScale: { borderVisible: false, entireTextOnly: true },
      timeScale: { borderVisible: false, minBarSpacing: 0.2 },
      crosshair: { mode: CrosshairMode.Magnet },
      // The page is scrolled with the wheel; the chart by dragging and with Ctrl.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false, axisPressedMouseMove: { price: false } },
    });
    this.#missing = this.#chart.addSeries(HistogramSeries, { ...QUIET, priceScaleId: 'missing' });
    this.#chart.priceScale('missing').applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      ...QUIET,
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
    });
    this.#chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.87, bottom: 0 } });
    this.#labels = new AxisLabels(this.#chart);
    const { priceFormat } = this.#labels;
    this.#area = this.#chart.addSeries(AreaSeries, {
      ...QUIET,
      priceFormat,
      crosshairMarkerVisible: true,
      lineWidth: 2,
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { ...QUIET, priceFormat });
    this.#markers = [createSeriesMarkers(this.#area, []), createSeriesMarkers(this.#candles, [])];
    this.#chart.subscribeCrosshairMove((event) => {
      if (event.sourceEvent || !event.point) listeners.onPoint(this.#placeAt(event.time));
    });
    this.#chart.subscribeClick((event) => {
      const index = this.#placeAt(event.time);
      if (index !== null) listeners.onPick(index);
    });
    this.paint(palette);
  }

  /** Shows a model; the view jumps to its beginning unless the reader has moved it. */
  show(model: ChartModel): void {
    const visible = this.#chart.timeScale().getVisibleLogicalRange();
    this.#model = model;
    this.#chart.applyOptions(this.#labels.optionsFor(model));
    this.#draw(model);
    const frame = nextFrame(model, this.#framed, visible);
    if (!frame) return;
    this.#chart.timeScale().setVisibleLogicalRange(frame);
    this.#framed = { key: model.key, frame };
  }

  /** Points at a place, as the mouse would; null: at none. */
  point(index: number | null): void {
    const places = this.#model?.places ?? [];
    const place = index === null ? undefined : places[index];
    if (!place || index === null) {
      if (this.#pointed) this.#chart.clearCrosshairPosition();
      this.#pointed = false;
      return;
    }
    this.#pointed = true;
    const near = place.bar ?? places.slice(0, index).findLast(({ bar }) => bar)?.bar;
    this.#chart.setCrosshairPosition(near?.close ?? 0, at(place.time), this.#shown());
  }

  /** Changes the colours. */
  paint(palette: Palette): void {
    this.#palette = palette;
    const label = { color: palette.control, labelBackgroundColor: palette.ink };
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: palette.ground },
        textColor: palette.muted,
        panes: { separatorColor: palette.line },
      },
      grid: { horzLines: { color: palette.line } },
      crosshair: { vertLine: label, horzLine: label },
    });
    if (this.#model) this.#draw(this.#model);
  }

  remove(): void {
    this.#chart.remove();
  }

  #shown(): ISeriesApi<'Area'> | ISeriesApi<'Candlestick'> {
    return this.#model?.kind === 'candles' ? this.#candles : this.#area;
  }

  #draw(model: ChartModel): void {
    const candles = model.kind === 'candles';
    this.#chart.priceScale('right').applyOptions({
      scaleMargins: { top: 0.08, bottom: candles ? 0.18 : 0.08 },
      mode: model.compared
        ? PriceScaleMode.Percentage
        : model.logarithmic
          ? PriceScaleMode.Logarithmic
          : PriceScaleMode.Normal,
    });
    this.#prices(model);
    this.#missing.setData(
      model.places.flatMap(({ time, bar }) => (bar ? [] : { time: at(time), value: 1, color: this.#palette.missing })),
    );
    for (const name of AVERAGES)
      this.#line(name, model, model.averages[name] ?? null, { color: this.#palette.second, lineStyle: STYLES[name] });
    this.#line('compared', model, model.compared?.values ?? null, { color: this.#palette.ink, across: true });
    this.#line('rsi', model, model.rsi, { color: this.#palette.second, pane: 1 });
    const below = model.rsi ? 2 : 1;
    this.#line('macd', model, model.macd?.macd ?? null, { color: this.#palette.second, pane: below });
    this.#line('signal', model, model.macd?.signal ?? null, {
      color: this.#palette.muted,
      lineStyle: LineStyle.Dashed,
      pane: below,
    });
    this.#chart.panes().forEach((pane, index) => {
      pane.setStretchFactor(index === 0 ? 4 : 1);
      // A pane made after a comparison would have its scale in percent.
      if (index > 0) pane.priceScale('right').applyOptions({ mode: PriceScaleMode.Normal });
    });
    this.#labels.show(model, this.#shown(), this.#palette);
    this.#mark(model);
  }

  #prices({ kind, places, first }: ChartModel): void {
    const { ground, upFill, downFill } = this.#palette;
    const candles = kind === 'candles';
    const fill = this.#direction() < 0 ? downFill : upFill;
    this.#area.applyOptions({
      visible: !candles,
      lineColor: fill,
      topColor: faded(fill, 0.24),
      bottomColor: faded(fill, 0),
      pointMarkersVisible: places.length - first <= FEW,
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
    const bars = candles ? places.flatMap(({ time, bar }) => (bar ? { ...bar, time: at(time) } : [])) : [];
    this.#candles.setData(bars.map(({ time, open, high, low, close }) => ({ time, open, high, low, close })));
    this.#volume.setData(
      bars.flatMap(({ time, open, close, volume }) =>
        volume === null ? [] : { time, value: volume, color: faded(close < open ? downFill : upFill, 0.38) },
      ),
    );
  }

  #line(
    name: string,
    model: ChartModel,
    values: readonly (number | null)[] | null,
    { pane = 0, across = false, ...options }: { color: string; lineStyle?: LineStyle; pane?: number; across?: boolean },
  ): void {
    let series = this.#lines.get(name);
    if (series && (!values || series.getPane().paneIndex() !== pane)) {
      this.#chart.removeSeries(series);
      this.#lines.delete(name);
      series = undefined;
    }
    if (!values) return;
    if (!series) {
      series = this.#chart.addSeries(LineSeries, { ...QUIET, lastValueVisible: pane > 0, lineWidth: 2 }, pane);
      this.#lines.set(name, series);
    }
    series.applyOptions(options);
    series.setData(
      // A comparison may have fewer closes than there are places: its line goes from one to the next.
      lineData(model.places, values, { across, daily: name === 'vwap' }).map((point) =>
        point.ends ? { ...timed(point), color: 'transparent' } : timed(point),
      ),
    );
  }

  /** The sign of the newest price less the previous close. */
  #direction(): number {
    const last = this.#model?.places.findLast(({ bar }) => bar)?.bar?.close;
    return last === undefined || this.#model?.base == null ? 0 : Math.sign(last - this.#model.base);
  }

  #mark(model: ChartModel): void {
    const markers = markersOf(model, this.#palette);
    const last = model.places.findLast(({ bar }) => bar);
    if (last && model.kind === 'area')
      markers.push({
        time: at(last.time),
        position: 'inBar',
        shape: 'circle',
        size: 0.7,
        color: this.#direction() < 0 ? this.#palette.downFill : this.#palette.upFill,
      });
    const candles = model.kind === 'candles';
    this.#markers[0]?.setMarkers(candles ? [] : markers);
    this.#markers[1]?.setMarkers(candles ? markers : []);
  }

  #placeAt(time: Time | undefined): number | null {
    const index = this.#model?.places.findIndex((place) => place.time === time) ?? -1;
    return index < 0 ? null : index;
  }
}

const at = (time: number): UTCTimestamp => time as UTCTimestamp;
const timed = ({ time, value }: Point) => (value === null ? { time: at(time) } : { time: at(time), value });
