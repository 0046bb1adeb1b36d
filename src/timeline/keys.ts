/** What keys can do. */
export interface KeyActions {
  left(far: boolean): void;
  right(far: boolean): void;
  up(far: boolean): void;
  down(far: boolean): void;
  zoomIn(): void;
  zoomOut(): void;
  fit(): void;
  search(): void;
  nextMatch(): void;
  previousMatch(): void;
  nextSlice(): void;
  previousSlice(): void;
  zoomToSelection(): void;
  path(): void;
  theme(): void;
  help(): void;
  escape(): void;
}

interface Key {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly does: string;
  readonly action: keyof KeyActions;
}

/** One table for what is done and what the help shows. */
export const KEYS: readonly Key[] = [
  { keys: ['ArrowLeft', 'a'], shown: '← or a', does: 'earlier (Shift: far)', action: 'left' },
  { keys: ['ArrowRight', 'd'], shown: '→ or d', does: 'later (Shift: far)', action: 'right' },
  { keys: ['ArrowUp', 'PageUp'], shown: '↑', does: 'previous task (Shift: ten)', action: 'up' },
  { keys: ['ArrowDown', 'PageDown'], shown: '↓', does: 'next task (Shift: ten)', action: 'down' },
  { keys: ['+', '=', 'w'], shown: '+ or w', does: 'zoom in', action: 'zoomIn' },
  { keys: ['-', 's'], shown: '− or s', does: 'zoom out', action: 'zoomOut' },
  { keys: ['0', 'Home', 'f'], shown: '0 or f', does: 'show everything', action: 'fit' },
  { keys: [']', '.'], shown: '] or .', does: 'next step or wait of the task', action: 'nextSlice' },
  { keys: ['[', ','], shown: '[ or ,', does: 'previous step or wait of the task', action: 'previousSlice' },
  { keys: ['Enter'], shown: 'Enter', does: 'zoom to the selection', action: 'zoomToSelection' },
  { keys: ['/'], shown: '/', does: 'search', action: 'search' },
  { keys: ['n'], shown: 'n', does: 'next match', action: 'nextMatch' },
  { keys: ['p', 'N'], shown: 'p', does: 'previous match', action: 'previousMatch' },
  { keys: ['c'], shown: 'c', does: 'critical path of the selection, or of the end', action: 'path' },
  { keys: ['t'], shown: 't', does: 'light or dark', action: 'theme' },
  { keys: ['?'], shown: '?', does: 'these keys', action: 'help' },
  { keys: ['Escape'], shown: 'Esc', does: 'select nothing', action: 'escape' },
  { keys: [], shown: 'Ctrl + wheel', does: 'zoom; the wheel alone scrolls', action: 'zoomIn' },
  { keys: [], shown: 'drag the axis', does: 'zoom to a span', action: 'zoomIn' },
];

/** Calls what a key stands for. */
export class KeyMap {
  readonly #actions: KeyActions;

  constructor(actions: KeyActions) {
    this.#actions = actions;
  }

  press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const found = KEYS.find(({ keys }) => keys.includes(event.key));
    if (found === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#actions[found.action](event.shiftKey || event.key.startsWith('Page'));
  }
}
