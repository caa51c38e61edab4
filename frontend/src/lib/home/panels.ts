/** Panels of the home page below the first screen: one file, loaded while the first figures come. */
export { default as Insights } from '#lib/home/Insights.svelte';
export { default as Movers } from '#lib/home/Movers.svelte';
export { default as Prices } from '#lib/home/Prices.svelte';
export { default as Sectors } from '#lib/home/Sectors.svelte';
