/** Labels of a chart's axes: formats of the reader's locale, none that is cut, and none below another. */
import {
  LineStyle,
  type ChartOptions,
  type DeepPartial,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type Time,
} from 'lightweight-charts';
import { APART } from '#lib/chart/areaLayout.ts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { frameOf, isLabelled } from '#lib/chart/frame.ts';
import { markOf, nameOf } from '#lib/chart/labels.ts';
import type { Palette } from '#lib/chart/palette.ts';
import { zoom } from '#lib/design/zoom.ts';
import { percentOf, priceOf } from '#lib/figures.ts';

export class AxisLabels {
  #chart: IChartApi;
  #series: ISeriesApi<'Area'> | ISeriesApi<'Candlestick'> | null = null;
  #model: ChartModel | null = null;
  #lines: IPriceLine[] = [];
  #zoom = zoom();

  constructor(chart: IChartApi) {
    this.#chart = chart;
  }

  /** The format of prices, for series on the price axis. */
  readonly priceFormat = {
    type: 'custom',
    minMove: 0.01,
    formatter: (price: number) => priceOf(Number(price.toFixed(2))),
    tickmarksFormatter: (prices: number[]) =>
      prices.map((price) => (this.#isCovered(price) ? '' : priceOf(Number(price.toFixed(2))))),
  } as const;

  /** The formats of times and changes, for the chart. */
  optionsFor(model: ChartModel): DeepPartial<ChartOptions> {
    const { interval } = model;
    return {
      localization: {
        timeFormatter: (time: Time) => nameOf(Number(time), interval),
        percentageFormatter: percentOf,
        tickmarksPercentageFormatter: (percents: number[]) =>
          percents.map((percent) => (this.#isCovered(this.#priceAt(percent)) ? '' : percentOf(percent))),
      },
      timeScale: {
        timeVisible: interval === '1h',
        tickMarkFormatter: (time: Time, kind: number) =>
          this.#fits(model, Number(time)) ? markOf(Number(time), kind, interval) : '',
      },
    };
  }

  /** Labels the previous close, dotted, and the newest price in the colour of its direction. */
  show(model: ChartModel, series: ISeriesApi<'Area'> | ISeriesApi<'Candlestick'>, palette: Palette): void {
    for (const line of this.#lines) this.#series?.removePriceLine(line);
    this.#series = series;
    this.#model = model;
    const add = (price: number, color: string, lineVisible: boolean) =>
      series.createPriceLine({
        price,
        title: '',
        color,
        lineVisible,
        lineWidth: 1,
        lineStyle: LineStyle.SparseDotted,
        axisLabelVisible: true,
        axisLabelColor: palette.ground,
        axisLabelTextColor: color,
      });
    const last = model.places.findLast(({ bar }) => bar)?.bar?.close;
    this.#lines = [
      ...(model.base === null ? [] : [add(model.base, palette.second, true)]),
      ...(last === undefined ? [] : [add(last, last < (model.base ?? last) ? palette.down : palette.up, false)]),
    ];
  }

  /** False for a place so near to an edge of the first view that its label would be cut. */
  #fits(model: ChartModel, time: number): boolean {
    const index = model.places.findIndex((place) => place.time === time);
    return index < model.first || isLabelled(index, frameOf(model), this.#chart.timeScale().width(), this.#zoom);
  }

  /** The price at a change since the first bar in view. */
  #priceAt(percent: number): number {
    const from = Math.ceil(this.#chart.timeScale().getVisibleLogicalRange()?.from ?? 0);
    const base = this.#model?.places.slice(Math.max(from, 0)).find(({ bar }) => bar)?.bar?.close;
    return (base ?? 0) * (1 + percent / 100);
  }

  /** True for a price whose label would lie below that of the newest price or the previous close. */
  #isCovered(price: number): boolean {
    const at = this.#series?.priceToCoordinate(price) ?? null;
    return this.#lines.some((line) => {
      const other = this.#series?.priceToCoordinate(line.options().price) ?? null;
      return at !== null && other !== null && Math.abs(other - at) < APART * this.#zoom;
    });
  }
}
