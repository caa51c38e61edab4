// Measure the built page as lighthouse's phone does, and the time to the first price at 400 kbit/s:
//   npm run lighthouse -- [ADDRESS]        ADDRESS is that of a running system, http://localhost:8080 if absent
// Each try is a first visit in a new browser; medians count. It fails below the figures that docs/page.md promises.
// Lighthouse counts the time that other programs take as the page's: the load of the machine is printed with the result, and
// beside the score the one by the main thread's own processor time, which other programs hardly change.
// Its factor of 4 makes a phone of a fast desktop. A slower machine has a smaller one, so that the phone is no slower:
// https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md, "Calibrating the CPU slowdown".
import { existsSync } from 'node:fs';
import { loadavg } from 'node:os';
import { delimiter, join } from 'node:path';
import { launch } from 'chrome-launcher';
import lighthouse from 'lighthouse';
import { defaultSettings } from 'lighthouse/core/config/constants.js';
import puppeteer from 'puppeteer-core';

const LEAST = { performance: 97, accessibility: 100, 'best-practices': 100, seo: 100 };
const MOST_MS = 2500;
/** The BenchmarkIndex of the phone: that of a desktop in the middle of the fastest class, 1,500 to 2,000, at the factor 4. */
const PHONE_INDEX = 1750 / 4;
const TRIES = 5;
/** The share of the blocked time in the score. */
const BLOCKED_WEIGHT = 0.3;
const PAGES = [
  { path: '/', price: '[data-testid=answer]' },
  { path: '/stocks/NVDA?range=1M&interval=1h', price: '[data-testid=price] .price' },
];
const TIMES = ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time', 'cumulative-layout-shift'];
/** Bytes a second in both directions, and the milliseconds that each request waits. */
const SLOW = { offline: false, latency: 150, downloadThroughput: 50_000, uploadThroughput: 50_000 };

/** Chromium without windows takes half of the processor time to draw; without it, the one that chrome-launcher finds. */
const SHELL = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium-headless-shell'))
  .find((path) => existsSync(path));
const CHROMIUM = process.env.CHROMIUM ?? SHELL;

const address = (process.argv[2] ?? 'http://localhost:8080').replace(/\/$/, '');
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Runs *work* with a browser that nobody has used. */
async function withBrowser(work) {
  const browser = await launch({
    ...(CHROMIUM ? { chromePath: CHROMIUM } : {}),
    // Root and most containers have no sandbox; it sees nothing but our own page.
    chromeFlags: ['--headless=new', '--no-sandbox'],
  });
  try {
    return await work(browser);
  } finally {
    await browser.kill();
  }
}

/** The BenchmarkIndex of this machine: the median of several, each measured before a visit. */
async function machineIndex() {
  const indexes = await repeated(async () => {
    const { lhr } = await withBrowser(({ port }) =>
      lighthouse(address, { port, logLevel: 'error', onlyAudits: ['viewport'] }),
    );
    return lhr.environment.benchmarkIndex;
  });
  return median(indexes);
}

/** Audits a first visit. On a busy machine the browser may fail to record one: then it is made again. */
async function audit(path, attempts = 3) {
  const { lhr, artifacts } = await withBrowser(({ port }) =>
    lighthouse(address + path, { port, logLevel: 'error', onlyCategories: Object.keys(LEAST), throttling }),
  );
  if (lhr.runtimeError && attempts > 1) return audit(path, attempts - 1);
  if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`);
  return { ...lhr, own: ownTime(lhr, artifacts.Trace.traceEvents) };
}

/** Blocked milliseconds and the score by the main thread's own processor time, multiplied as lighthouse multiplies tasks. */
function ownTime({ audits, categories, configSettings }, events) {
  const painted = events.filter(({ name }) => name === 'firstContentfulPaint').at(-1);
  const slower = configSettings.throttling.cpuSlowdownMultiplier;
  const tasks = events
    .filter(
      ({ name, ph, pid, tid, ts }) =>
        name.endsWith('RunTask') && ph === 'X' && pid === painted.pid && tid === painted.tid && ts >= painted.ts,
    )
    .toSorted((a, b) => a.ts - b.ts || b.dur - a.dur);
  let [blocked, end] = [0, 0];
  for (const { ts, dur, tdur = 0 } of tasks) {
    // A task is recorded by two layers, one within the other.
    if (ts < end) continue;
    end = ts + dur;
    blocked += Math.max((tdur / 1000) * slower - 50, 0);
  }
  const { score } = audits['total-blocking-time'];
  return { blocked, performance: categories.performance.score + BLOCKED_WEIGHT * (blockedScore(blocked) - score) };
}

/** The share of pages that are blocked longer, as lighthouse has it for phones: a tenth less than 200 ms, half than 600. */
function blockedScore(milliseconds) {
  if (milliseconds <= 0) return 1;
  const deviations = (Math.log(milliseconds / 600) * 1.2815515655446004) / Math.log(600 / 200);
  // The normal distribution by its logistic approximation, exact to a hundredth.
  return 1 / (1 + Math.exp(1.5976 * deviations + 0.07056 * deviations ** 3));
}

/** Milliseconds from the navigation until *selector* has been painted. */
const firstPrice = (path, selector) =>
  withBrowser(async ({ port }) => {
    const browser = await puppeteer.connect({ browserURL: `http://localhost:${port}` });
    const page = await browser.newPage();
    await page.setViewport({ width: 412, height: 823, isMobile: true, hasTouch: true });
    const session = await page.createCDPSession();
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', SLOW);
    await page.evaluateOnNewDocument((wanted) => {
      const look = () => {
        if (!document.querySelector(wanted)) return requestAnimationFrame(look);
        requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())));
      };
      requestAnimationFrame(look);
    }, selector);
    await page.goto(address + path, { waitUntil: 'domcontentloaded' });
    const painted = await page.waitForFunction('window.painted', { timeout: 60_000 });
    return Math.round(await painted.jsonValue());
  });

const repeated = async (work) => {
  const results = [];
  for (let tries = 0; tries < TRIES; tries++) results.push(await work());
  return results;
};

const index = await machineIndex();
const throttling = {
  ...defaultSettings.throttling,
  cpuSlowdownMultiplier: Number(Math.min(Math.max(index / PHONE_INDEX, 1), 4).toFixed(1)),
};
console.log(
  `BenchmarkIndex ${index.toFixed(0)}: a processor slower by ${throttling.cpuSlowdownMultiplier} than this one`,
);

let failed = false;
for (const { path, price } of PAGES) {
  const results = await repeated(() => audit(path));
  const prices = await repeated(() => firstPrice(path, price));
  console.log(`${path}  (load ${loadavg()[0].toFixed(1)})`);
  for (const [name, least] of Object.entries(LEAST)) {
    const scores = results.map(({ categories }) => Math.round((categories[name]?.score ?? 0) * 100));
    failed ||= median(scores) < least;
    console.log(`  ${String(median(scores)).padStart(4)}  ${name} (${scores.join(' ')}), at least ${least}`);
  }
  for (const name of TIMES) {
    const values = results.map(({ audits }) => audits[name]?.numericValue ?? NaN);
    console.log(`        ${results[0].audits[name]?.title} ${median(values).toFixed(name.endsWith('shift') ? 3 : 0)}`);
  }
  const own = (name, factor) => results.map((one) => Math.round(one.own[name] * factor));
  console.log(
    `        By processor time: performance ${median(own('performance', 100))} (${own('performance', 100).join(' ')}),`,
  );
  console.log(`        blocked ${median(own('blocked', 1))} (${own('blocked', 1).join(' ')})`);
  failed ||= median(prices) > MOST_MS;
  console.log(`  ${median(prices)}  ms to the first price at 400 kbit/s (${prices.join(' ')}), at most ${MOST_MS}`);
}
process.exit(failed ? 1 : 0);
