import type { TraceDocument } from '../inspect/index.ts';

/** What a page is made of. */
export interface PageParts {
  readonly title: string;
  readonly trace: TraceDocument;
  /** The code of `asyncio-ts/timeline`, a module without imports. */
  readonly viewer: string;
}

/**
 * A page that shows a trace, in one file that needs nothing else. Names in the trace are those of a program: nothing of them becomes markup or
 * code, and the page's policy allows no request at all.
 */
export function tracePage({ title, trace, viewer }: PageParts): string {
  const name = forMarkup(title);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>${name}</title>
<style>
html, body { height: 100%; margin: 0 }
body { display: flex; flex-direction: column; color-scheme: light dark }
main { flex: 1; min-height: 0 }
h1 { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%) }
</style>
<main id="timeline"><h1>${name}</h1></main>
<script id="trace" type="application/json">${forScript(JSON.stringify(trace.traceEvents))}</script>
<script type="module">
${viewer.replace(/^\/\/# sourceMappingURL=.*$/m, '').replaceAll('</', '<\\/')}
const timeline = createTimeline(document.getElementById('timeline'), { label: ${forScript(JSON.stringify(title))} });
timeline.append(JSON.parse(document.getElementById('trace').textContent));
timeline.focus();
</script>
</html>
`;
}

function forMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON that a script element may hold: the only text that ends such an element, or turns its parsing, begins with `<`. */
function forScript(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
