import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Colours of the editor: each has a contrast of at least 4.5 to 1 on its ground, which ready-made themes have not. */

interface Palette {
  readonly ground: string;
  readonly text: string;
  readonly gutter: string;
  readonly active: string;
  readonly selection: string;
  readonly keyword: string;
  readonly name: string;
  readonly type: string;
  readonly string: string;
  readonly number: string;
  readonly comment: string;
}

const LIGHT: Palette = {
  ground: '#ffffff',
  text: '#24292f',
  gutter: '#57606a',
  active: '#f1f4f8',
  selection: '#c8def7',
  keyword: '#b3202b',
  name: '#6639ba',
  type: '#0b4fa0',
  string: '#0a3069',
  number: '#0550ae',
  comment: '#57606a',
};

const DARK: Palette = {
  ground: '#17191e',
  text: '#e6edf3',
  gutter: '#9aa4b2',
  active: '#1f232b',
  selection: '#2d4b70',
  keyword: '#ff8f87',
  name: '#d8b9ff',
  type: '#8cc8ff',
  string: '#a9d4ff',
  number: '#8cc8ff',
  comment: '#9aa4b2',
};

export function colors(isDark: boolean): Extension {
  const palette = isDark ? DARK : LIGHT;
  const theme = EditorView.theme(
    {
      '&': { color: palette.text, backgroundColor: palette.ground },
      '.cm-content': { caretColor: palette.text },
      '.cm-cursor, .cm-dropCursor': { borderLeftColor: palette.text },
      '.cm-gutters': { color: palette.gutter, backgroundColor: palette.ground, border: 'none' },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: `${palette.active}` },
      '.cm-activeLineGutter': { color: palette.text },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: palette.selection,
      },
    },
    { dark: isDark },
  );
  const highlight = HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: palette.keyword },
    { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: palette.name },
    { tag: [tags.typeName, tags.className], color: palette.type },
    { tag: [tags.string, tags.special(tags.string), tags.regexp], color: palette.string },
    { tag: [tags.number, tags.bool, tags.null], color: palette.number },
    { tag: tags.comment, color: palette.comment, fontStyle: 'italic' },
  ]);
  return [theme, syntaxHighlighting(highlight)];
}
