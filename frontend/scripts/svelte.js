// Lets Node's own test runner load our modules: TypeScript whole, Svelte's runes and components (as HTML), and what SvelteKit
// says of where they run.
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { compile, compileModule } from 'svelte/compiler';

const STUBS = { '$app/env': 'export const browser = false;' };

registerHooks({
  resolve(name, context, next) {
    const stub = STUBS[name];
    return stub ? { url: `data:text/javascript,${encodeURIComponent(stub)}`, shortCircuit: true } : next(name, context);
  },
  load(url, context, next) {
    if (url.includes('/node_modules/') || !/\.(ts|svelte)$/.test(url)) return next(url, context);
    const { source } = next(url, { ...context, format: 'module' });
    if (url.endsWith('.svelte')) {
      const { js } = compile(String(source), { filename: url, generate: 'server', css: 'external' });
      return { format: 'module', source: js.code, shortCircuit: true };
    }
    const plain = stripTypeScriptTypes(String(source), { mode: 'transform' });
    const runes = url.endsWith('.svelte.ts');
    const code = runes ? compileModule(plain, { filename: url, generate: 'server' }).js.code : plain;
    return { format: 'module', source: code, shortCircuit: true };
  },
});
globalThis.__API_BASE__ = '/api';
