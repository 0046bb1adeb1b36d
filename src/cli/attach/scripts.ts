import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import type { Inspector } from './inspector.ts';
import { shownFile } from './shown-file.ts';

interface Script {
  readonly url: string;
  readonly sourceMapURL: string;
}

/** The files of a program by the numbers that the inspector has for them. */
export class Scripts {
  readonly #scripts = new Map<string, Script>();
  readonly #maps = new Map<string, SourceMap | null>();

  /** Asks for all files; the inspector tells of more files as they are loaded. */
  static async of(inspector: Inspector): Promise<Scripts> {
    const scripts = new Scripts();
    inspector.onevent = (method, params) => {
      if (method === 'Debugger.scriptParsed') scripts.add(params as unknown as Script & { scriptId: string });
    };
    await inspector.send('Debugger.enable');
    return scripts;
  }

  add({ scriptId, url, sourceMapURL = '' }: { scriptId: string; url: string; sourceMapURL?: string }): void {
    this.#scripts.set(scriptId, { url, sourceMapURL });
  }

  /**
   * A place as `file:line:column`, of the source where there is a map.
   *
   * @param line from 0, as the inspector counts
   * @param column from 0
   */
  place(scriptId: string, line: number, column: number): string | null {
    const script = this.#scripts.get(scriptId);
    if (script === undefined || script.url === '') return null;
    const origin = this.#mapOf(script)?.findEntry(line, column);
    if (origin !== undefined && 'originalSource' in origin)
      return `${shownFile(this.#sourceOf(script, origin.originalSource))}:${origin.originalLine + 1}:${origin.originalColumn + 1}`;
    return `${shownFile(script.url)}:${line + 1}:${column + 1}`;
  }

  #sourceOf({ url, sourceMapURL }: Script, source: string): string {
    const base = sourceMapURL.startsWith('data:') ? url : new URL(sourceMapURL, url).href;
    return URL.canParse(source, base) ? new URL(source, base).href : source;
  }

  #mapOf(script: Script): SourceMap | null {
    if (script.sourceMapURL === '') return null;
    let map = this.#maps.get(script.url);
    if (map === undefined) {
      map = readMap(script);
      this.#maps.set(script.url, map);
    }
    return map;
  }
}

function readMap({ url, sourceMapURL }: Script): SourceMap | null {
  try {
    const data = /^data:application\/json[^,]*;base64,(.*)$/s.exec(sourceMapURL)?.[1];
    const text =
      data === undefined
        ? readFileSync(new URL(sourceMapURL, url), 'utf8')
        : Buffer.from(data, 'base64').toString('utf8');
    return new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    return null; // a map that is not there, or is none: the place in the code that runs is told
  }
}
