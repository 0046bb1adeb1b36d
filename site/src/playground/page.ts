import { javascript } from '@codemirror/lang-javascript';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { keymap } from '@codemirror/view';
import { basicSetup, EditorView } from 'codemirror';
import { colors } from './colors.ts';
import { examples } from './examples.ts';
import type { Line } from './messages.ts';
import { carriedBy, carrying } from './program-link.ts';
import { Session, type State } from './session.ts';
import { timeText } from './time-text.ts';
import { TaskTimeline } from './timeline.ts';

/** The playground: an editor, what the program prints, and its tasks on a line of time. */

const part = <T extends Element>(name: string): T => {
  const found = document.querySelector<T>(`[data-playground="${name}"]`);
  if (found === null) throw new Error(`the page has no part ${name}`);
  return found;
};

const STATES: Readonly<Record<State, string>> = {
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  failed: 'Ended with an error',
  stopped: 'Stopped',
};

export function start(): void {
  if (typeof Worker === 'undefined' || typeof DecompressionStream === 'undefined') {
    part('unsupported').removeAttribute('hidden');
    return;
  }
  part('app').removeAttribute('hidden');
  new Playground();
}

class Playground {
  readonly #output = part<HTMLElement>('output');
  readonly #status = part<HTMLElement>('status');
  readonly #speed = part<HTMLSelectElement>('speed');
  readonly #pause = part<HTMLButtonElement>('pause');
  readonly #stop = part<HTMLButtonElement>('stop');
  readonly #share = part<HTMLButtonElement>('share');
  readonly #timeline = new TaskTimeline(part<HTMLElement>('timeline'));
  readonly #theme = new Compartment();
  readonly #editor: EditorView;
  #session: Session | null = null;
  #state: State | null = null;
  #now = 0;
  #dropped: HTMLElement | null = null;

  constructor() {
    this.#editor = this.#makeEditor();
    this.#listen();
    this.#show(null);
    void this.#open();
  }

  #makeEditor(): EditorView {
    const isDark = () => document.documentElement.dataset['theme'] !== 'light';
    const theme = () => colors(isDark());
    const run = () => {
      this.#run();
      return true;
    };
    const editor = new EditorView({
      parent: part('editor'),
      state: EditorState.create({
        doc: '',
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
          basicSetup,
          javascript({ typescript: true }),
          EditorView.contentAttributes.of({ 'aria-label': 'Program', tabindex: '0' }),
          this.#theme.of(theme()),
        ],
      }),
    });
    new MutationObserver(() => editor.dispatch({ effects: this.#theme.reconfigure(theme()) })).observe(
      document.documentElement,
      { attributeFilter: ['data-theme'] },
    );
    return editor;
  }

  #listen(): void {
    part('run').addEventListener('click', () => this.#run());
    this.#stop.addEventListener('click', () => this.#session?.stop());
    this.#pause.addEventListener('click', () => {
      if (this.#state === 'paused') this.#session?.resume();
      else this.#session?.pause();
    });
    part('step').addEventListener('click', () => {
      // A step of a program that does not run starts it, at its first moment.
      if (this.#state === 'running' || this.#state === 'paused') this.#session?.step();
      else this.#run(true);
    });
    this.#speed.addEventListener('change', () => {
      if (this.#session !== null) this.#session.speed = this.#chosenSpeed;
    });
    this.#share.addEventListener('click', () => void this.#copyLink());
    const choice = part<HTMLSelectElement>('example');
    choice.append(...examples.map(({ title }, index) => new Option(title, String(index))));
    choice.addEventListener('change', () => {
      const example = examples[Number(choice.value)];
      if (example === undefined || choice.value === '') return;
      history.replaceState(null, '', location.pathname);
      this.#setCode(example.code);
      this.#run();
    });
    window.addEventListener('hashchange', () => void this.#open());
  }

  get #chosenSpeed(): number {
    return this.#speed.value === 'at once' ? Number.POSITIVE_INFINITY : Number(this.#speed.value);
  }

  /** Opens what the address carries. It is not run until somebody asks: a link may come from anybody. */
  async #open(): Promise<void> {
    const carried = await carriedBy(location.hash);
    if (carried.kind === 'program') {
      this.#setCode(carried.code);
      this.#clear();
      part<HTMLElement>('app').dataset['program'] = location.hash;
      this.#write([{ kind: 'note', text: 'The program of the link is in the editor. Press Run to run it.' }]);
      return;
    }
    this.#setCode(examples[0]?.code ?? '');
    this.#clear();
    if (carried.kind === 'damaged') {
      const text = `The link does not hold a whole program: ${carried.why}. Copy all of it, or begin with this example.`;
      this.#write([{ kind: 'error', text }]);
    }
  }

  #setCode(code: string): void {
    this.#session?.dispose();
    this.#session = null;
    this.#show(null);
    this.#editor.dispatch({ changes: { from: 0, to: this.#editor.state.doc.length, insert: code } });
  }

  #run(paused = false): void {
    this.#session?.dispose();
    this.#clear();
    this.#session = new Session(
      this.#editor.state.doc.toString(),
      { speed: this.#chosenSpeed, paused },
      {
        lines: (lines, dropped) => this.#write(lines, dropped),
        events: (events, dropped) => {
          this.#timeline.append(events);
          part<HTMLElement>('untold').hidden = dropped === 0;
        },
        time: (now) => {
          this.#now = now;
          this.#tell();
        },
        state: (state) => this.#show(state),
      },
    );
  }

  #clear(): void {
    this.#output.replaceChildren();
    this.#dropped = null;
    this.#now = 0;
    this.#timeline.clear();
    part<HTMLElement>('untold').hidden = true;
  }

  #write(lines: readonly Line[], dropped = 0): void {
    const isAtEnd = this.#output.scrollHeight - this.#output.scrollTop - this.#output.clientHeight < 40;
    for (const { kind, text } of lines) {
      const line = document.createElement('div');
      line.className = `line ${kind}`;
      line.textContent = text;
      this.#output.insertBefore(line, this.#dropped);
    }
    if (dropped > 0) {
      this.#dropped ??= this.#output.appendChild(
        Object.assign(document.createElement('div'), { className: 'line note' }),
      );
      this.#dropped.textContent = `… and ${dropped.toLocaleString('en')} more lines, which are not shown`;
    }
    if (isAtEnd) this.#output.scrollTop = this.#output.scrollHeight;
  }

  #show(state: State | null): void {
    this.#state = state;
    const isAlive = state === 'running' || state === 'paused';
    this.#stop.disabled = !isAlive;
    this.#pause.disabled = !isAlive;
    this.#pause.textContent = state === 'paused' ? 'Resume' : 'Pause';
    this.#tell();
  }

  #tell(): void {
    const { time, word } = {
      time: timeText(this.#now),
      word: this.#state === null ? 'Ready' : STATES[this.#state],
    };
    this.#status.textContent = this.#state === null ? word : `${word} at ${time}`;
    this.#status.dataset['state'] = this.#state ?? 'ready';
  }

  async #copyLink(): Promise<void> {
    const hash = await carrying(this.#editor.state.doc.toString());
    history.replaceState(null, '', hash);
    try {
      await navigator.clipboard.writeText(location.href);
      this.#share.textContent = 'Link copied';
    } catch {
      this.#share.textContent = 'Link is in the address bar'; // a page may not be allowed to write to the clipboard
    }
    setTimeout(() => {
      this.#share.textContent = 'Copy link';
    }, 2_000);
  }
}
