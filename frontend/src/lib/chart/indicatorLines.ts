/** Lines of a chart beside its prices: averages and the comparison over them, oscillators in panes below. */
import { LineSeries, LineStyle, PriceScaleMode, type IChartApi, type ISeriesApi } from 'lightweight-charts';
import type { ChartModel } from '#lib/chart/chartModel.ts';
import { lineData, QUIET, timed } from '#lib/chart/lineData.ts';
import type { Palette } from '#lib/chart/palette.ts';
import { AVERAGES } from '#lib/chart/view.ts';

const STYLES = { sma: LineStyle.Solid, ema: LineStyle.Dashed, vwap: LineStyle.Dotted } as const;

interface Look {
  color: string;
  lineStyle?: LineStyle;
  pane?: number;
  /** From one value to the next, whatever is missing between: a comparison may have fewer closes than there are places. */
  across?: boolean;
}

export class IndicatorLines {
  #chart: IChartApi;
  #lines = new Map<string, ISeriesApi<'Line'>>();

  constructor(chart: IChartApi) {
    this.#chart = chart;
  }

  draw(model: ChartModel, { second, ink, muted }: Palette): void {
    for (const name of AVERAGES)
      this.#line(name, model, model.averages[name] ?? null, { color: second, lineStyle: STYLES[name] });
    this.#line('compared', model, model.compared?.values ?? null, { color: ink, across: true });
    this.#line('rsi', model, model.rsi, { color: second, pane: 1 });
    const pane = model.rsi ? 2 : 1;
    this.#line('macd', model, model.macd?.macd ?? null, { color: second, pane });
    this.#line('signal', model, model.macd?.signal ?? null, { color: muted, lineStyle: LineStyle.Dashed, pane });
    this.#chart.panes().forEach((one, index) => {
      one.setStretchFactor(index === 0 ? 4 : 1);
      // A pane made after a comparison would have its scale in percent.
      if (index > 0) one.priceScale('right').applyOptions({ mode: PriceScaleMode.Normal });
    });
  }

  #line(
    name: string,
    model: ChartModel,
    values: readonly (number | null)[] | null,
    { pane = 0, across = false, ...options }: Look,
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
      lineData(model.places, values, { across, daily: name === 'vwap' }).map((point) =>
        point.ends ? { ...timed(point), color: 'transparent' } : timed(point),
      ),
    );
  }
}
