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
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type Rgba,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import { priceOf } from '#lib/figures.ts';
import { frameOf, nextFrame, type Frame } from '#lib/chart/frame.ts';
import { markOf, nameOf } from '#lib/chart/labels.ts';
import { lineData, type Point } from '#lib/chart/lineData.ts';
import { markersOf } from '#lib/chart/markers.ts';
import { faded, partsOf, type Palette } from '#lib/chart/palette.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { AVERAGES, type Interval } from '#lib/chart/view.ts';

const STYLES = { sma: LineStyle.Solid, ema: LineStyle.Dashed, vwap: LineStyle.Dotted } as const;
/** Points of a line that can be told apart. */
const FEW = 40;
const FONT = "'Instrument Sans', 'Adjusted Arial', system-ui, sans-serif";
const QUIET = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false } as const;
/** Pixels: half the width of a label on the time axis, and the distance of two on the price axis. */
const HALF_LABEL = 24;
const LABEL_APART = 15;

export class ChartRenderer {
  #chart: IChartApi;
  #area: ISeriesApi<'Area'>;
  #candles: ISeriesApi<'Candlestick'>;
  #volume: ISeriesApi<'Histogram'>;
  #missing: ISeriesApi<'Histogram'>;
  /** Lines by name: averages, the comparison, and indicators in panes of their own. */
  #lines = new Map<string, ISeriesApi<'Line'>>();
  #markers: ISeriesMarkersPluginApi<Time>[];
  #priceLines: { series: ISeriesApi<'Area'> | ISeriesApi<'Candlestick'>; line: IPriceLine }[] = [];
  #model: ChartModel | null = null;
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
        fontSize: 12,
        panes: { enableResize: false },
        // Its own parser asks the browser, which answers with one colour for all where colours are forced.
        colorParsers: [(colour: string) => partsOf(colour) as Rgba | null],
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
    const priceFormat = {
      type: 'custom',
      minMove: 0.01,
      formatter: (price: number) => priceOf(Number(price.toFixed(2))),
      tickmarksFormatter: (prices: number[]) => prices.map((price) => this.#priceMark(price)),
    } as const;
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
    this.#name(model);
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
    if (!place || index === null) return this.#chart.clearCrosshairPosition();
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

  #name(model: ChartModel): void {
    const { interval } = model;
    this.#chart.applyOptions({
      localization: { timeFormatter: (time: Time) => nameOf(Number(time), interval) },
      timeScale: {
        timeVisible: interval === '1h',
        tickMarkFormatter: (time: Time, kind: number) =>
          this.#fits(model, Number(time)) ? markOf(Number(time), kind, interval) : '',
      },
    });
  }

  /** False for a place so near to an edge of the first view that its label would be cut. */
  #fits(model: ChartModel, time: number): boolean {
    const index = model.places.findIndex((place) => place.time === time);
    const { from, to } = frameOf(model);
    const width = this.#chart.timeScale().width();
    const x = ((index - from) / (to - from)) * width;
    return index < model.first || (x >= HALF_LABEL && x <= width - HALF_LABEL);
  }

  /** The label of a price on the axis; none beside that of the newest price or the previous close. */
  #priceMark(price: number): string {
    const series = this.#shown();
    const at = series.priceToCoordinate(price) ?? 0;
    const near = this.#priceLines.some(({ line }) => {
      const other = series.priceToCoordinate(line.options().price);
      return other !== null && Math.abs(other - at) < LABEL_APART;
    });
    return near ? '' : priceOf(Number(price.toFixed(2)));
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
      model.places.map(({ time, bar }) =>
        bar ? { time: at(time) } : { time: at(time), value: 1, color: this.#palette.missing },
      ),
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
    this.#chart.panes().forEach((pane, index) => pane.setStretchFactor(index === 0 ? 4 : 1));
    this.#label(model);
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
    this.#candles.setData(
      places.map(({ time, bar }) =>
        bar && candles
          ? { time: at(time), open: bar.open, high: bar.high, low: bar.low, close: bar.close }
          : { time: at(time) },
      ),
    );
    this.#volume.setData(
      places.map(({ time, bar }) =>
        bar && candles && bar.volume !== null
          ? { time: at(time), value: bar.volume, color: faded(bar.close < bar.open ? downFill : upFill, 0.38) }
          : { time: at(time) },
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

  /** Labels on the axis: the previous close, dotted, and the newest price in the colour of its direction. */
  #label(model: ChartModel): void {
    for (const { series, line } of this.#priceLines) series.removePriceLine(line);
    this.#priceLines = [];
    const { ground, second, up, down } = this.#palette;
    const series = this.#shown();
    const add = (price: number, color: string, lineVisible: boolean, title: string) => {
      const line = series.createPriceLine({
        price,
        title,
        color,
        lineVisible,
        lineWidth: 1,
        lineStyle: LineStyle.SparseDotted,
        axisLabelVisible: true,
        axisLabelColor: ground,
        axisLabelTextColor: color,
      });
      this.#priceLines.push({ series, line });
    };
    const last = model.places.findLast(({ bar }) => bar)?.bar?.close;
    if (model.base !== null) add(model.base, second, true, '');
    if (last !== undefined) add(last, this.#direction() < 0 ? down : up, false, '');
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
