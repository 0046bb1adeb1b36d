import { DARK, LIGHT, type Palette } from './colors.ts';

/** The style of everything around the canvas. It lives in a shadow root, so that the page's own style does not reach it. */
export const STYLE = `
:host { display: block; height: 100%; min-height: 160px; }
* { box-sizing: border-box; }
.timeline { ${variables(LIGHT)} color-scheme: light; }
.timeline.dark { ${variables(DARK)} color-scheme: dark; }
.timeline {
  display: flex; flex-direction: column; position: relative; height: 100%; min-height: inherit; overflow: hidden;
  background: var(--ground); color: var(--text); font: 13px/1.4 ui-sans-serif, system-ui, sans-serif;
}
.bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding: 6px 8px; background: var(--panel); border-bottom: 1px solid var(--line); }
.bar .room { flex: 1; }
.summary { color: var(--muted); font-size: 12px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
button, input {
  font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 5px; padding: 2px 8px; min-height: 26px;
}
button { cursor: pointer; min-width: 28px; }
button:hover { border-color: var(--muted); }
button[aria-pressed="true"] { background: var(--step); color: var(--step-text); border-color: var(--step); }
input { width: 210px; }
input::placeholder { color: var(--muted); opacity: 1; }
:is(button, input, canvas):focus-visible { outline: 2px solid var(--step); outline-offset: -1px; }
.found { color: var(--muted); font-size: 12px; min-width: 4.5em; }
.stage { flex: 1; position: relative; min-height: 0; overflow: hidden; }
canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; touch-action: none; cursor: default; }
.thumb { position: absolute; right: 1px; width: 6px; border-radius: 3px; background: var(--muted); opacity: .45; pointer-events: none; }
.hint, .help {
  position: absolute; z-index: 2; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 6px 9px;
  box-shadow: 0 4px 16px rgb(0 0 0 / 22%); overflow-wrap: anywhere;
}
.hint { max-width: min(420px, 80%); pointer-events: none; font-size: 12px; }
.help { inset: 8px 8px auto auto; max-height: calc(100% - 16px); overflow: auto; }
[hidden] { display: none !important; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 1px 10px; margin: 2px 0 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
strong { font-weight: 600; overflow-wrap: anywhere; }
kbd { font: 12px ui-monospace, monospace; }
.details { max-height: 34%; overflow: auto; border-top: 1px solid var(--line); background: var(--panel); padding: 6px 10px; font-size: 12px; }
.empty { position: absolute; inset: 0; display: grid; place-content: center; color: var(--muted); pointer-events: none; }
`;

function variables({ ground, panel, line, text, muted, step, stepText }: Palette): string {
  return `--ground: ${ground}; --panel: ${panel}; --line: ${line}; --text: ${text}; --muted: ${muted}; --step: ${step}; --step-text: ${stepText};`;
}
