// Builds the page: static files, a strict policy on what they may load, and one fallback for deep links.
/// <reference types="node" />
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}` as const;

/** Returns the only match of *pattern* in the file, so that its hash can be allowed; throws when the file has changed. */
function piece(file: string, pattern: RegExp): string {
  const found = pattern.exec(readFileSync(file, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${file} no longer holds ${pattern}`);
  return found;
}

// The script that sets the theme before the first paint.
const themeScript = piece('src/app.html', /<script>(.*?)<\/script>/s);
// SvelteKit reads page titles out to screen readers from an element that has a style attribute.
const kit = createRequire(import.meta.url).resolve('@sveltejs/kit/package.json');
const announcerStyle = piece(kit.replace('package.json', 'src/runtime/components/root.svelte'), /style="([^"]+)"/);

// Where the functions are: a path of this host, or the address of another that allows this one by CORS.
const api = process.env.PUBLIC_API_BASE || '/api';
const elsewhere = /^https?:/.test(api) ? [new URL(api).origin as `https://${string}.${string}`] : [];

/** Lets the page start before SvelteKit's error page is there, which it would wait for: two more requests before the first price. */
const errorPageLater = {
  name: 'error-page-later',
  transform(code: string, id: string): string | undefined {
    if (!id.endsWith('@sveltejs/kit/src/runtime/client/client.js')) return undefined;
    const waits = 'const [root_layout] = await Promise.all([default_layout_loader(), default_error_loader()]);';
    if (!code.includes(waits)) throw new Error(`${id} no longer holds ${waits}`);
    return code.replace(
      waits,
      'default_error_loader().catch(() => {});\nconst root_layout = await default_layout_loader();',
    );
  },
};

const SHARED = new RegExp(
  [
    'node_modules/(?!lightweight-charts|fancy-canvas|d3-)',
    'src/lib/[^/]+$',
    'src/lib/(api|design|home|market|page|state|time)/',
    // The bell, without the dialog that it opens.
    'src/lib/alerts/(Bell|dialog|unseen)',
  ].join('|'),
);
// The little that the page of a stock needs for its price, in a file of its own: home does without.
const PRICE = /src\/lib\/(stock\/(StockPrice|laterPanels|requests)|chart\/(view|ranges)\.ts)/;
// Parts of panels below the first screen, which the first price must not wait for.
const PARTS = /src\/lib\/(market\/(InsightHours|FactList)|home\/(Sparkline|lines)|design\/Segments)/;
// Four files for what pages share: the parts of a stock, its price, the parts of panels, and what every page uses. All else stays with its page.
const GROUPS = [
  // SvelteKit sets its payload before it loads its runtime: they must not be in one file.
  { name: 'boot', test: /preload-helper|runtime\/client\/payload/, priority: 4 },
  { name: 'stock', test: /src\/lib\/(stock|chart)\//, minShareCount: 2, priority: 1 },
  { name: 'price', test: PRICE, minShareCount: 2, priority: 2 },
  { name: 'parts', test: PARTS, minShareCount: 2, priority: 2 },
  { name: 'shared', test: (id: string) => SHARED.test(id) && !PARTS.test(id), minShareCount: 2, priority: 3 },
];

export default defineConfig({
  define: { __API_BASE__: JSON.stringify(api.replace(/\/$/, '')) },
  build: {
    // Dozens of small files cost a slow phone more than the few bytes that a page does not need.
    rolldownOptions: { output: { codeSplitting: { groups: GROUPS } } },
  },
  plugins: [
    errorPageLater,
    sveltekit({
      // In the document, so that its first paint waits for no other file.
      inlineStyleThreshold: 16_384,
      adapter: adapter({ fallback: '200.html', precompress: true }),
      // Compared between two builds only: the hashed file names tell browsers what is new.
      version: { name: process.env.npm_package_version ?? '0', pollInterval: 0 },
      prerender: {
        handleHttpError: ({ path, message }) => {
          // Feeds in the head are the API's, which does not run while the page is built.
          if (!path.startsWith(`${new URL(api, 'http://localhost').pathname}/`)) throw new Error(message);
        },
      },
      // lib/page/offline.ts chooses the moment.
      serviceWorker: { register: false },
      // Absolute, since the fallback is served at any depth.
      paths: { relative: false },
      csp: {
        mode: 'hash',
        directives: {
          'default-src': ['none'],
          'script-src': ['self', hashOf(themeScript)],
          'style-src': ['self'],
          'style-src-attr': ['unsafe-hashes', hashOf(announcerStyle)],
          'img-src': ['self'],
          'font-src': ['self'],
          'connect-src': ['self', ...elsewhere],
          'manifest-src': ['self'],
          'worker-src': ['self'],
          'base-uri': ['none'],
          'form-action': ['none'],
          'frame-ancestors': ['none'],
          'object-src': ['none'],
        },
      },
    }),
  ],
  server: { proxy: { '/api': process.env.API_PROXY ?? 'http://localhost:8080' } },
});
