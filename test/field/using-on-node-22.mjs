// Node 22 cannot parse `using`. Preloaded there (--import), this has esbuild rewrite it in every module of a case, of
// its snippets, of its workers and of its child processes.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { transformSync } from 'esbuild';

const USING = /\busing\s+[\w$]+\s*=/;

const lowered = (source) => transformSync(source, { target: 'esnext', supported: { using: false } }).code;

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || !url.endsWith('.mjs') || url.includes('/node_modules/'))
      return nextLoad(url, context);
    const source = readFileSync(fileURLToPath(url), 'utf8');
    if (!USING.test(source)) return nextLoad(url, context);
    return { format: 'module', shortCircuit: true, source: lowered(source) };
  },
});

// esbuild declares its helpers at the top of a module. A function that is sent elsewhere as text leaves them behind, so
// that the place where it arrives needs them too: they become globals when the first of them is asked for.
const helpers = ['__using', '__callDispose'];
for (const name of helpers) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      for (const other of helpers) delete globalThis[other];
      runInThisContext(lowered('{ using _ = null; }'));
      return globalThis[name];
    },
  });
}
