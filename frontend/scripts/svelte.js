// Lets Node's own test runner load our modules: TypeScript whole, Svelte's runes, and what SvelteKit says of where they run.
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { compileModule } from 'svelte/compiler';

const STUBS = { '$app/env': 'export const browser = false;' };

registerHooks({
  resolve(name, context, next) {
    const stub = STUBS[name];
    return stub ? { url: `data:text/javascript,${encodeURIComponent(stub)}`, shortCircuit: true } : next(name, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    const { source } = next(url, { ...context, format: 'module' });
    const plain = stripTypeScriptTypes(String(source), { mode: 'transform' });
    const runes = url.endsWith('.svelte.ts');
    const code = runes ? compileModule(plain, { filename: url, generate: 'server' }).js.code : plain;
    return { format: 'module', source: code, shortCircuit: true };
  },
});
globalThis.__API_BASE__ = '/api';
