/** Panels of a stock's page below its price: one file, loaded while the price comes. */
export { default as Peers } from '#lib/stock/Peers.svelte';
export { default as Performance } from '#lib/stock/Performance.svelte';
export { default as StockChart } from '#lib/stock/StockChart.svelte';
export { default as StockData } from '#lib/stock/StockData.svelte';
export { default as StockInsights } from '#lib/stock/StockInsights.svelte';
export { default as StockRanges } from '#lib/stock/StockRanges.svelte';
