/** Draws a chart model with the charting library, whose code is loaded only where a chart is. */
import { ColorType, CrosshairMode, PriceScaleMode, createChart, type IChartApi, type Time } from 'lightweight-charts';
import { MARGIN } from '#lib/chart/areaLayout.ts';
import { AxisLabels } from '#lib/chart/axisLabels.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { nextFrame, type Frame } from '#lib/chart/frame.ts';
import { IndicatorLines } from '#lib/chart/indicatorLines.ts';
import { at } from '#lib/chart/lineData.ts';
import type { Palette } from '#lib/chart/palette.ts';
import { PriceSeries } from '#lib/chart/priceSeries.ts';
import { zoom } from '#lib/design/zoom.ts';

const FONT = "'Instrument Sans', 'Adjusted Arial', system-ui, sans-serif";

export class ChartRenderer {
  #container: HTMLElement;
  #chart: IChartApi;
  #prices: PriceSeries;
  #lines: IndicatorLines;
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
    this.#container = container;
    this.#palette = palette;
    this.#chart = createChart(container, {
      // Until there is a model: drawing an empty chart in full takes a phone as long as drawing the model.
      width: 2,
      height: 2,
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
      timeScale: { borderVisible: false, minBarSpacing: 0.2, allowBoldLabels: false },
      crosshair: { mode: CrosshairMode.Magnet },
      // The page is scrolled with the wheel; the chart by dragging and with Ctrl.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false, axisPressedMouseMove: { price: false } },
    });
    this.#chart.chartElement().hidden = true;
    this.#labels = new AxisLabels(this.#chart);
    this.#prices = new PriceSeries(this.#chart, this.#labels);
    this.#lines = new IndicatorLines(this.#chart);
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
    if (!this.#model) {
      this.#chart.chartElement().hidden = false;
      this.#chart.resize(this.#container.clientWidth, this.#container.clientHeight);
      this.#chart.applyOptions({ autoSize: true });
    }
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
    this.#chart.setCrosshairPosition(near?.close ?? 0, at(place.time), this.#prices.shown(this.#model));
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

  #draw(model: ChartModel): void {
    this.#chart.priceScale('right').applyOptions({
      scaleMargins: { top: MARGIN, bottom: model.kind === 'candles' ? 0.18 : MARGIN },
      mode: model.compared
        ? PriceScaleMode.Percentage
        : model.logarithmic
          ? PriceScaleMode.Logarithmic
          : PriceScaleMode.Normal,
    });
    this.#prices.draw(model, this.#palette);
    this.#lines.draw(model, this.#palette);
    this.#labels.show(model, this.#prices.shown(model), this.#palette);
    this.#prices.mark(model, this.#palette);
  }

  #placeAt(time: Time | undefined): number | null {
    const index = this.#model?.places.findIndex((place) => place.time === time) ?? -1;
    return index < 0 ? null : index;
  }
}
