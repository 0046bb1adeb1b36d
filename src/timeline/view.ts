import type { TraceEvent } from '../inspect/trace/events.ts';
import { DARK, LIGHT } from './colors.ts';
import { criticalPath, type PathPart, spanOf } from './critical-path.ts';
import {
  arrowFactsOf,
  type Facts,
  factsOf,
  factsOfPath,
  factsOfTrack,
  sentenceOf,
  titleOfSlice,
} from './describe-slice.ts';
import { button, element, listOf } from './elements.ts';
import { KEYS, KeyMap } from './keys.ts';
import { type SliceRef, slicesOf, TimelineModel, type Track } from './model.ts';
import { eventOf, nearestSlice, neighbour } from './navigate.ts';
import { STYLE } from './page-style.ts';
import { paint } from './painter.ts';
import { Pointer } from './pointer.ts';
import { HEAD, OVERVIEW, ROW } from './scene.ts';
import { SearchBox } from './search-box.ts';
import { shownDuration } from './text.ts';
import type { TimelineOptions } from './timeline.ts';
import { TimeWindow } from './window.ts';

/** The timeline of one element: its parts, what is selected, and what is done with it. */
export class TimelineView {
  readonly #options: TimelineOptions;
  readonly #host = document.createElement('div');
  readonly #root = element('div', 'timeline');
  readonly #stage = element('div', 'stage');
  readonly #canvas = document.createElement('canvas');
  readonly #context: CanvasRenderingContext2D;
  readonly #summary = element('span', 'summary');
  readonly #hint = element('div', 'hint');
  readonly #details = element('div', 'details');
  readonly #help = element('div', 'help');
  readonly #empty = element('div', 'empty');
  readonly #thumb = element('div', 'thumb');
  readonly #pathButton: HTMLButtonElement;
  readonly #ends = new AbortController();
  readonly #resized: ResizeObserver;
  readonly #prefersDark = matchMedia('(prefers-color-scheme: dark)');
  #theme: 'light' | 'dark' | 'auto';
  #model = new TimelineModel();
  #window = new TimeWindow();
  #follows: boolean;
  #scrollTop = 0;
  #selected: SliceRef | null = null;
  #selectedTrack: Track | null = null;
  #hovered: SliceRef | null = null;
  #chosen: readonly [number, number] | null = null;
  #path: PathPart[] | null = null;
  #pathByTrack: Map<Track, PathPart[]> | null = null;
  #frame = 0;
  #width = 0;
  #height = 0;

  constructor(parent: HTMLElement, options: TimelineOptions) {
    this.#options = options;
    this.#theme = options.theme ?? 'auto';
    this.#follows = options.follow ?? true;
    const shadow = this.#host.attachShadow({ mode: 'open' });
    const style = document.createElement('style');
    style.textContent = STYLE;
    this.#host.style.height = '100%';
    this.#pathButton = button('Critical path', 'show what the end has waited for (c)', () => this.#togglePath());
    this.#pathButton.setAttribute('aria-pressed', 'false');
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute('role', 'application');
    this.#canvas.setAttribute('aria-label', options.label ?? 'timeline of tasks');
    this.#empty.textContent = options.emptyText ?? 'no events yet';
    for (const box of [this.#hint, this.#details, this.#help]) box.hidden = true;
    this.#details.tabIndex = 0;
    this.#details.setAttribute('role', 'region');
    this.#details.setAttribute('aria-label', 'what is selected');
    this.#help.append(listOf(KEYS.map(({ shown, does }) => [shown, does])));
    this.#stage.append(this.#canvas, this.#thumb, this.#empty, this.#hint, this.#help);
    this.#root.append(this.#bar(), this.#stage, this.#details);
    const context = this.#canvas.getContext('2d');
    if (context === null) throw new Error('createTimeline: this page gives no 2d context of a canvas');
    this.#context = context;
    shadow.append(style, this.#root);
    parent.append(this.#host);
    const { signal } = this.#ends;
    this.#prefersDark.addEventListener('change', () => this.#applyTheme(), { signal });
    this.#canvas.addEventListener('keydown', (event) => this.#keys.press(event), { signal });
    new Pointer(this.#canvas, this.#actions, signal);
    this.#resized = new ResizeObserver(() => this.#draw());
    this.#resized.observe(this.#stage);
    this.#applyTheme();
  }

  // ------------------------------------------------------------------------------------------------- what pages call

  append(events: Iterable<TraceEvent>): void {
    this.#model.append(events);
    if (this.#model.isEmpty) return;
    this.#window.setBounds(this.#model.begin, this.#model.end);
    if (this.#follows) this.#window.fit();
    this.#search.refresh();
    if (this.#path !== null) this.#showPath();
    this.#draw();
  }

  clear(): void {
    this.#model = new TimelineModel();
    this.#window = new TimeWindow();
    this.#follows = this.#options.follow ?? true;
    this.#scrollTop = 0;
    this.#hovered = null;
    this.#hint.hidden = true;
    this.#path = this.#pathByTrack = null;
    this.#pathButton.setAttribute('aria-pressed', 'false');
    this.#select(null);
    this.#search.refresh();
  }

  fit(): void {
    this.#window.fit();
    this.#draw();
  }

  reveal(time: number): void {
    this.#window.reveal(time);
    this.#draw();
  }

  focus(): void {
    this.#canvas.focus();
  }

  destroy(): void {
    this.#ends.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#host.remove();
  }

  // ------------------------------------------------------------------------------------------------- parts of the page

  #bar(): HTMLElement {
    const bar = element('div', 'bar');
    const room = element('span', 'room');
    bar.append(
      ...this.#search.elements,
      room,
      this.#summary,
      this.#pathButton,
      button('−', 'zoom out (−)', () => this.#zoom(1.6)),
      button('+', 'zoom in (+)', () => this.#zoom(1 / 1.6)),
      button('Fit', 'show everything (0)', () => this.#fitAll()),
      button('◐', 'light or dark (t)', () => this.#toggleTheme()),
      button('?', 'show the keys (?)', () => this.#toggleHelp()),
    );
    return bar;
  }

  readonly #search = new SearchBox({
    model: () => this.#model,
    found: (slice) => {
      this.#select(slice);
      this.#reveal(slice);
    },
    changed: () => this.#draw(),
    left: () => this.#canvas.focus(),
  });

  readonly #keys = new KeyMap({
    left: (far) => this.#pan(far ? -0.6 : -0.15),
    right: (far) => this.#pan(far ? 0.6 : 0.15),
    up: (far) => this.#moveTrack(far ? -10 : -1),
    down: (far) => this.#moveTrack(far ? 10 : 1),
    zoomIn: () => this.#zoom(1 / 1.4),
    zoomOut: () => this.#zoom(1.4),
    fit: () => this.#fitAll(),
    search: () => this.#search.focus(),
    nextMatch: () => this.#search.next(1),
    previousMatch: () => this.#search.next(-1),
    nextSlice: () => this.#moveSlice(1),
    previousSlice: () => this.#moveSlice(-1),
    zoomToSelection: () => this.#zoomToSelection(),
    path: () => this.#togglePath(),
    theme: () => this.#toggleTheme(),
    help: () => this.#toggleHelp(),
    escape: () => this.#escape(),
  });

  readonly #actions = {
    regionAt: (x: number, y: number): 'overview' | 'ruler' | 'names' | 'rows' =>
      x < this.#gutter ? 'names' : y < OVERVIEW ? 'overview' : y < HEAD ? 'ruler' : 'rows',
    hover: (x: number, y: number) => this.#hover(x, y),
    leave: () => {
      this.#hovered = null;
      this.#hint.hidden = true;
      this.#draw();
    },
    click: (x: number, y: number) => this.#click(x, y),
    zoomHere: (x: number, y: number) => {
      this.#click(x, y);
      this.#zoomToSelection();
    },
    drag: (byX: number, byY: number) => {
      this.#moved();
      this.#window.pan((-byX * this.#window.span) / this.#canvasWidth);
      this.#scroll(-byY);
    },
    scroll: (by: number) => this.#scroll(by),
    panPixels: (by: number) => {
      this.#moved();
      this.#window.pan((by * this.#window.span) / this.#canvasWidth);
      this.#draw();
    },
    zoomAt: (factor: number, x: number) => this.#zoom(factor, this.#timeAt(x)),
    choose: (from: number, to: number) => {
      this.#chosen = [from, to];
      this.#draw();
    },
    chosen: (from: number, to: number) => {
      this.#chosen = null;
      if (Math.abs(to - from) > 4) {
        this.#moved();
        this.#window.show(this.#timeAt(Math.min(from, to)), this.#timeAt(Math.max(from, to)));
      }
      this.#draw();
    },
    overview: (x: number) => {
      this.#moved();
      const part = (x - this.#gutter) / this.#canvasWidth;
      const time = this.#model.begin + part * (this.#model.end - this.#model.begin);
      this.#window.pan(time - (this.#window.from + this.#window.to) / 2);
      this.#draw();
    },
    canScroll: () => this.#rowsHeight > this.#height - HEAD,
  };

  // ------------------------------------------------------------------------------------------------- moving

  get #gutter(): number {
    return Math.round(Math.min(220, Math.max(90, this.#width * 0.22)));
  }

  get #canvasWidth(): number {
    return Math.max(1, this.#width - this.#gutter);
  }

  get #rowsHeight(): number {
    return this.#model.tracks.length * ROW;
  }

  #timeAt(x: number): number {
    return this.#window.from + ((x - this.#gutter) / this.#canvasWidth) * this.#window.span;
  }

  /** The user has moved the window: new events do not move it any more, until all is shown again. */
  #moved(): void {
    this.#follows = false;
  }

  #fitAll(): void {
    this.#follows = this.#options.follow ?? true;
    this.fit();
  }

  #pan(part: number): void {
    this.#moved();
    this.#window.pan(part * this.#window.span);
    this.#draw();
  }

  #zoom(factor: number, around?: number): void {
    this.#moved();
    const center = around ?? this.#centerOfSelection() ?? (this.#window.from + this.#window.to) / 2;
    this.#window.zoom(factor, center);
    this.#draw();
  }

  #centerOfSelection(): number | null {
    if (this.#selected === null) return null;
    const { track, kind, index } = this.#selected;
    const center = (slicesOf(track, kind).begins[index]! + this.#model.endOf(this.#selected)) / 2;
    return center >= this.#window.from && center <= this.#window.to ? center : null;
  }

  #scroll(by: number): void {
    const most = Math.max(0, this.#rowsHeight - (this.#height - HEAD));
    this.#scrollTop = Math.min(Math.max(0, this.#scrollTop + by), most);
    this.#draw();
  }

  #scrollToTrack(track: Track): void {
    const top = this.#model.tracks.indexOf(track) * ROW;
    const room = this.#height - HEAD - ROW;
    if (top < this.#scrollTop) this.#scroll(top - this.#scrollTop);
    else if (top > this.#scrollTop + room) this.#scroll(top - this.#scrollTop - room);
  }

  // ------------------------------------------------------------------------------------------------- selecting

  #sliceAt(x: number, y: number): SliceRef | null {
    if (x < this.#gutter || y < HEAD) return null;
    const track = this.#trackAt(y);
    if (track === null) return null;
    const time = this.#timeAt(x);
    const slack = (3 * this.#window.span) / this.#canvasWidth;
    const step = track.steps.at(time, slack);
    const wait = track.waits.at(time, 0);
    // A short step has to be hit although a wait is around it.
    if (step >= 0) return { track, kind: 'step', index: step };
    return wait >= 0 ? { track, kind: 'wait', index: wait } : null;
  }

  #trackAt(y: number): Track | null {
    return y < HEAD ? null : (this.#model.tracks[Math.floor((y - HEAD + this.#scrollTop) / ROW)] ?? null);
  }

  #hover(x: number, y: number): void {
    const slice = this.#sliceAt(x, y);
    const track = x < this.#gutter ? this.#trackAt(y) : null;
    this.#hovered = slice;
    if (slice !== null) this.#showHint(x, y, titleOfSlice(slice), factsOf(this.#model, slice));
    else if (track !== null) this.#showHint(x, y, track.name, factsOfTrack(this.#model, track));
    else this.#hint.hidden = true;
    this.#canvas.style.cursor = slice !== null || track !== null ? 'pointer' : 'default';
    this.#draw();
  }

  #showHint(x: number, y: number, title: string, facts: Facts): void {
    const hint = this.#hint;
    hint.replaceChildren(element('strong', '', title), listOf(facts));
    hint.hidden = false;
    const left = Math.min(x + 14, this.#width - hint.offsetWidth - 4);
    const below = y + 18;
    hint.style.left = `${Math.max(4, left)}px`;
    hint.style.top = `${below + hint.offsetHeight > this.#height ? Math.max(4, y - hint.offsetHeight - 10) : below}px`;
  }

  #click(x: number, y: number): void {
    const track = this.#trackAt(y);
    this.#select(this.#sliceAt(x, y));
    if (this.#selected === null) this.#selectedTrack = track;
    this.#draw();
  }

  #select(slice: SliceRef | null): void {
    const hadOne = this.#selected !== null;
    this.#selected = slice;
    this.#selectedTrack = slice === null ? null : slice.track;
    if (slice !== null) {
      this.#showDetails(titleOfSlice(slice), [...factsOf(this.#model, slice), ...arrowFactsOf(this.#model, slice)]);
      this.#canvas.setAttribute('aria-description', sentenceOf(this.#model, slice));
    } else {
      this.#details.hidden = true;
      this.#canvas.removeAttribute('aria-description');
    }
    if (slice !== null || hadOne) this.#options.onSelect?.(slice === null ? null : eventOf(slice));
    if (this.#path !== null) this.#showPath();
    this.#draw();
  }

  #showDetails(title: string, facts: Facts): void {
    this.#details.replaceChildren(element('strong', '', title), listOf(facts));
    this.#details.hidden = false;
    this.#details.scrollTop = 0;
  }

  #reveal(slice: SliceRef): void {
    const begin = slicesOf(slice.track, slice.kind).begins[slice.index]!;
    this.#moved();
    this.#window.reveal(begin);
    this.#scrollToTrack(slice.track);
  }

  #moveTrack(by: number): void {
    const { tracks } = this.#model;
    if (tracks.length === 0) return;
    const at = this.#selectedTrack === null ? -1 : tracks.indexOf(this.#selectedTrack);
    const next = tracks[Math.min(Math.max(0, at < 0 ? 0 : at + by), tracks.length - 1)]!;
    const time =
      this.#selected === null
        ? this.#window.from
        : slicesOf(this.#selected.track, this.#selected.kind).begins[this.#selected.index]!;
    const slice = nearestSlice(next, time);
    this.#select(slice);
    this.#selectedTrack = next;
    this.#scrollToTrack(next);
  }

  #moveSlice(by: number): void {
    if (this.#selectedTrack === null) {
      this.#moveTrack(0);
      return;
    }
    const slice =
      this.#selected === null ? nearestSlice(this.#selectedTrack, this.#window.from) : neighbour(this.#selected, by);
    if (slice === null) return;
    this.#select(slice);
    this.#reveal(slice);
  }

  #zoomToSelection(): void {
    if (this.#selected === null) return;
    const { track, kind, index } = this.#selected;
    this.#moved();
    this.#window.show(slicesOf(track, kind).begins[index]!, this.#model.endOf(this.#selected));
    this.#draw();
  }

  #escape(): void {
    if (!this.#help.hidden) this.#help.hidden = true;
    else if (this.#selected !== null || this.#selectedTrack !== null) this.#select(null);
    else this.#search.clear();
  }

  // ------------------------------------------------------------------------------------------------- path, theme, help

  #togglePath(): void {
    if (this.#path !== null) {
      this.#path = this.#pathByTrack = null;
      if (this.#selected === null) this.#details.hidden = true;
    } else {
      this.#path = [];
      this.#showPath();
    }
    this.#pathButton.setAttribute('aria-pressed', String(this.#path !== null));
    this.#draw();
  }

  /** Of what is selected, otherwise of the end. */
  #showPath(): void {
    this.#path = criticalPath(this.#model, this.#selected ?? undefined);
    this.#pathByTrack = Map.groupBy(this.#path, ({ track }) => track);
    if (this.#selected !== null || this.#path.length === 0) return;
    this.#showDetails(`Critical path: ${shownDuration(spanOf(this.#path))}`, factsOfPath(this.#path));
  }

  get #isDark(): boolean {
    return this.#theme === 'auto' ? this.#prefersDark.matches : this.#theme === 'dark';
  }

  #toggleTheme(): void {
    this.#theme = this.#isDark ? 'light' : 'dark';
    this.#applyTheme();
  }

  #applyTheme(): void {
    this.#root.classList.toggle('dark', this.#isDark);
    this.#draw();
  }

  #toggleHelp(): void {
    this.#help.hidden = !this.#help.hidden;
  }

  // ------------------------------------------------------------------------------------------------- drawing

  /** Once a frame, however often it is asked for. */
  #draw(): void {
    if (this.#frame !== 0 || this.#ends.signal.aborted) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint(): void {
    const { clientWidth, clientHeight } = this.#stage;
    const ratio = devicePixelRatio || 1;
    const canvas = this.#canvas;
    this.#width = clientWidth;
    this.#height = clientHeight;
    if (canvas.width !== Math.round(clientWidth * ratio) || canvas.height !== Math.round(clientHeight * ratio)) {
      canvas.width = Math.round(clientWidth * ratio);
      canvas.height = Math.round(clientHeight * ratio);
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#empty.hidden = !this.#model.isEmpty;
    this.#tellSummary();
    this.#placeThumb();
    paint(this.#context, {
      model: this.#model,
      window: this.#window,
      palette: this.#isDark ? DARK : LIGHT,
      width: clientWidth,
      height: clientHeight,
      gutter: this.#gutter,
      scrollTop: this.#scrollTop,
      selected: this.#selected,
      selectedTrack: this.#selectedTrack,
      hovered: this.#hovered,
      isMatch: this.#search.isMatch,
      path: this.#pathByTrack,
      chosen: this.#chosen,
    });
  }

  #tellSummary(): void {
    const { tracks, size, begin, end, isEmpty } = this.#model;
    const tasks = tracks.filter(({ tid, parent }) => tid !== 0 && parent === null).length;
    const count = (number: number, word: string): string =>
      `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
    const text = isEmpty ? '' : `${count(tasks, 'task')}, ${count(size, 'event')}, ${shownDuration(end - begin)}`;
    if (this.#summary.textContent !== text) this.#summary.textContent = text;
  }

  #placeThumb(): void {
    const room = this.#height - HEAD;
    const whole = this.#rowsHeight;
    this.#thumb.hidden = whole <= room;
    if (this.#thumb.hidden) return;
    this.#thumb.style.height = `${Math.max(20, (room / whole) * room)}px`;
    this.#thumb.style.top = `${HEAD + (this.#scrollTop / (whole - room)) * (room - Math.max(20, (room / whole) * room))}px`;
  }
}
