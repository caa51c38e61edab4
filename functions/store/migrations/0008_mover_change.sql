-- change and change_percent are of the same two prices, on every basis: since the opening it was the difference of two closes.

CREATE OR REPLACE VIEW movers AS
SELECT figure.ticker, figure.basis, figure.start, figure."end", figure.source,
       figure.change_percent, figure.range_percent, figure.volume_ratio, figure.window_volume,
       figure.start = max(figure.start) OVER (PARTITION BY figure.basis) AS is_newest,
       to_json(profile) AS profile,
       to_json(bar) AS current_metrics,
       to_json(delta) AS metric_deltas,
       figure.close - figure.basis_price AS change,
       rfc3339(figure.basis_start) AS basis_datetime,
       rfc3339(figure.basis_at) AS basis_at,
       figure.basis_price,
       to_json(span) AS "window"
  FROM mover_figures AS figure
  JOIN profiles AS profile USING (ticker)
 CROSS JOIN LATERAL (SELECT rfc3339(figure.start) AS datetime, unix_seconds(figure.start) AS timestamp,
                            rfc3339(figure."end") AS "end", figure.open, figure.high, figure.low, figure.close,
                            figure.volume, figure.source) AS bar
 CROSS JOIN LATERAL (SELECT figure.open_delta AS open, figure.high_delta AS high, figure.low_delta AS low,
                            figure.close_delta AS close, figure.volume_delta AS volume) AS delta
 CROSS JOIN LATERAL (SELECT rfc3339(figure.window_start) AS start, rfc3339(figure."end") AS "end",
                            figure.window_bars AS bars, figure.window_bars_expected AS bars_expected,
                            figure.window_high AS high, figure.window_low AS low, figure.window_volume AS volume,
                            round(figure.range_percent, 4) AS range_percent,
                            round(figure.usual_volume, 0) AS usual_volume, figure.usual_sessions,
                            round(figure.volume_ratio, 4) AS volume_ratio) AS span;
