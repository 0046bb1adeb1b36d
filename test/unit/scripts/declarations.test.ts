import { describe, expect, it } from 'vitest';
import { Declarations } from '../../../scripts/lib/declarations.ts';

/** The surface of `index.d.ts` among these files. */
function surface(files: Record<string, string>) {
  return new Declarations((file) => {
    const text = files[file];
    if (text === undefined) throw new Error(`no file ${file}`);
    return text;
  }).surface('index.d.ts');
}

describe('the reader of declaration files', () => {
  it('gives what an entry point exports, sorted, without comments and source maps', () => {
    const { exported } = surface({
      'index.d.ts': "export * from './b.js';\nexport { run } from './a.js';\n//# sourceMappingURL=index.d.ts.map",
      'a.d.ts': '/** Runs. */\nexport declare function run(): void;\nexport declare const hidden = 1;',
      'b.d.ts': 'export interface Options {\n    /** Yes or no. */\n    readonly debug?: boolean;\n}',
    });
    expect([...exported]).toEqual([
      ['Options', 'interface Options {\n    readonly debug?: boolean;\n}'],
      ['run', 'function run(): void;'],
    ]);
  });

  it('keeps overloads together and in order', () => {
    const { exported } = surface({
      'index.d.ts':
        'export declare function wait(): void;\nexport declare function wait(\n    seconds: number,\n): void;',
    });
    expect(exported.get('wait')).toBe('function wait(): void;\nfunction wait(\n    seconds: number,\n): void;');
  });

  it('leaves private members out, and keeps a private constructor', () => {
    const { exported } = surface({
      'index.d.ts':
        'export declare class Task {\n    #private;\n    private state;\n    private static all;\n    private constructor();\n    static private;\n}',
    });
    expect(exported.get('Task')).toBe('class Task {\n    private constructor();\n    static private;\n}');
  });

  it('follows renamed exports, and says both names', () => {
    const { exported } = surface({
      'index.d.ts': "export { Inner as Outer } from './a.js';",
      'a.d.ts': 'export type Inner = 1;',
    });
    expect([...exported]).toEqual([['Outer', 'type Inner = 1;\nexport { Inner as Outer };']]);
  });

  it('finds declarations that exported ones mention, in other files and through imports, too', () => {
    const { exported, mentioned } = surface({
      'index.d.ts': "import type { Clock } from './clock.js';\nexport declare function start(clock: Clock): void;",
      'clock.d.ts':
        'interface Tick {\n    readonly at: number;\n}\ntype Unused = 2;\nexport interface Clock {\n    tick(): Tick;\n}\nexport {};',
    });
    expect([...exported.keys()]).toEqual(['start']);
    expect([...mentioned.keys()]).toEqual(['Clock (clock.d.ts)', 'Tick (clock.d.ts)']);
  });

  it('does not take names of members and parameters for types', () => {
    const { mentioned } = surface({
      'index.d.ts':
        'type time = 1;\ninterface stop {\n}\nexport interface Loop {\n    time?: number;\n    stop(): void;\n}\nexport declare const f: (time: "stop") => void;',
    });
    expect([...mentioned.keys()]).toEqual([]);
  });

  it('names the members that belong to the kernel, also of types that are only mentioned', () => {
    const { internal } = surface({
      'index.d.ts':
        'interface Role {\n    _step(): void;\n}\nexport declare class Task {\n    get _role(): Role;\n    private _gone;\n    own_name: 1;\n}\n' +
        'export type Options = {\n    _all?: boolean;\n    _: 1;\n};\ninterface Unused {\n    _no: 1;\n}',
    });
    expect(internal).toEqual(['Options._all', 'Options._', 'Task._role', 'Role._step']);
  });

  it('tells comments from strings, and private members by what they are, not by where their line begins', () => {
    const { exported } = surface({
      'index.d.ts':
        'export declare class A { private x; /* gone */ y: "/* stays */"; }\n' +
        'export declare const b: {\n    /** Gone. */\n    c: 1; // gone\n};',
    });
    expect(exported.get('A')!.replace(/\s+/g, ' ')).toBe('class A { y: "/* stays */"; }');
    expect(exported.get('b')).toBe('const b: {\n    c: 1;\n};');
  });

  it('ends on modules that export each other', () => {
    const { exported } = surface({
      'index.d.ts': "export * from './a.js';",
      'a.d.ts': "export * from './index.js';\nexport declare const a: 1;",
    });
    expect([...exported.keys()]).toEqual(['a']);
  });

  it('lists global declarations', () => {
    const { globals } = surface({
      'index.d.ts': 'declare global {\n    interface SymbolConstructor {\n    }\n}\nexport {};',
    });
    expect(globals).toEqual(['declare global {\n    interface SymbolConstructor {\n    }\n}']);
  });

  it('refuses declarations that it would otherwise leave out of the report', () => {
    expect(() => surface({ 'index.d.ts': "export * as all from './a.js';" })).toThrow("cannot report 'export * as all");
    expect(() => surface({ 'index.d.ts': 'export default 1;' })).toThrow("cannot report 'export default 1;'");
    expect(() => surface({ 'index.d.ts': 'export declare const x: ;' })).toThrow('index.d.ts: ');
    expect(() => surface({ 'index.d.ts': "export { lost } from './a.js';", 'a.d.ts': 'export {};' })).toThrow(
      "'lost' is declared nowhere",
    );
  });
});
