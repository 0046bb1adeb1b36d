import { colorOfWait } from './colors.ts';
import { fitted } from './fit-text.ts';
import { marksOfAxis, paintCorner, paintHead } from './head-painter.ts';
import type { Arrow, SliceRef, Track } from './model.ts';
import { FONT, HEAD, ROW, type Scene } from './scene.ts';
import type { Slices } from './slices.ts';
import { shownText } from './text.ts';

const STEP_INSET = 4;
const WAIT_INSET = 6;
/** A slice that is shorter than this is drawn so wide, so that it is seen. */
const LEAST_WIDTH = 1.5;
/** With more arrows than this in sight only those of the selected slice are drawn: they would cover everything. */
const MOST_ARROWS = 400;

/** Draws a scene. What it costs depends on the size of the picture and hardly on how many events there are. */
export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { palette, width, height } = scene;
  context.font = FONT;
  context.textBaseline = 'middle';
  context.direction = 'ltr';
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, height);
  if (scene.model.isEmpty) return;
  new Painter(context, scene).paint();
}

class Painter {
  readonly #context: CanvasRenderingContext2D;
  readonly #scene: Scene;
  readonly #scale: number;
  readonly #rowOf = new Map<Track, number>();

  constructor(context: CanvasRenderingContext2D, scene: Scene) {
    this.#context = context;
    this.#scene = scene;
    this.#scale = (scene.width - scene.gutter) / scene.window.span;
    for (const [row, track] of scene.model.tracks.entries()) this.#rowOf.set(track, row);
  }

  paint(): void {
    const { height, width, gutter } = this.#scene;
    const context = this.#context;
    this.#clipped(gutter, HEAD, width - gutter, height - HEAD, () => {
      this.#grid();
      this.#rows();
      this.#arrows();
    });
    this.#clipped(0, HEAD, gutter, height - HEAD, () => this.#names());
    this.#clipped(gutter, 0, width - gutter, HEAD, () => {
      paintHead(context, this.#scene);
    });
    paintCorner(context, this.#scene);
    const { chosen, palette } = this.#scene;
    if (chosen === null) return;
    context.globalAlpha = 0.18;
    context.fillStyle = palette.step;
    context.fillRect(Math.min(...chosen), 0, Math.abs(chosen[1] - chosen[0]), height);
    context.globalAlpha = 1;
  }

  #clipped(x: number, y: number, width: number, height: number, draw: () => void): void {
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    draw();
    context.restore();
  }

  #x(time: number): number {
    return this.#scene.gutter + (time - this.#scene.window.from) * this.#scale;
  }

  #y(row: number): number {
    return HEAD + row * ROW - this.#scene.scrollTop;
  }

  #grid(): void {
    const { palette, height, width, gutter } = this.#scene;
    const context = this.#context;
    const { distance, from, to, origin } = marksOfAxis(this.#scene);
    context.fillStyle = palette.line;
    for (let at = from; at <= to; at++) context.fillRect(Math.round(this.#x(origin + at * distance)), HEAD, 1, height);
    const [first, last] = this.#visibleRows();
    context.globalAlpha = 0.6;
    for (let row = first; row <= last; row++) context.fillRect(gutter, this.#y(row + 1) - 1, width, 1);
    context.globalAlpha = 1;
  }

  #visibleRows(): [number, number] {
    const { scrollTop, height, model } = this.#scene;
    const first = Math.floor(scrollTop / ROW);
    return [Math.max(0, first), Math.min(model.tracks.length - 1, Math.ceil((scrollTop + height - HEAD) / ROW))];
  }

  #rows(): void {
    const { model, selectedTrack, palette, width } = this.#scene;
    const [first, last] = this.#visibleRows();
    for (let row = first; row <= last; row++) {
      const track = model.tracks[row]!;
      if (track === selectedTrack) {
        this.#context.globalAlpha = 0.09;
        this.#context.fillStyle = palette.step;
        this.#context.fillRect(0, this.#y(row), width, ROW);
        this.#context.globalAlpha = 1;
      }
      this.#slices(track, track.waits, 'wait', row);
      this.#slices(track, track.steps, 'step', row);
      this.#marks(track, row);
      this.#path(track, row);
    }
  }

  #slices(track: Track, slices: Slices, kind: 'step' | 'wait', row: number): void {
    const { window, model } = this.#scene;
    const context = this.#context;
    const perPixel = 1 / this.#scale;
    const inset = kind === 'step' ? STEP_INSET : WAIT_INSET;
    const y = this.#y(row) + inset;
    const high = ROW - 2 * inset;
    let at = slices.firstAfter(window.from - perPixel * LEAST_WIDTH);
    while (at < slices.length) {
      const begin = slices.begins[at]!;
      if (begin > window.to) break;
      const end = Math.min(slices.ends[at]!, Math.max(model.end, begin));
      const x = this.#x(begin);
      const wide = (end - begin) * this.#scale;
      if (wide < LEAST_WIDTH) {
        // Level of detail: one rectangle for all slices that share a few pixels, as strong as they fill them.
        const until = Math.max(begin, window.from) + perPixel * LEAST_WIDTH;
        const next = Math.max(at + 1, slices.firstAfter(until, at));
        const filled = next === at + 1 ? 1 : slices.filled(at, begin, until);
        this.#fill(slices, at, kind, track);
        context.globalAlpha *= 0.45 + 0.55 * filled;
        context.fillRect(x, y, LEAST_WIDTH, high);
        at = next;
        continue;
      }
      this.#fill(slices, at, kind, track);
      const left = Math.max(x, this.#scene.gutter - 4);
      const right = Math.min(x + wide, this.#scene.width + 4);
      roundRect(context, left, y, Math.max(right - left, LEAST_WIDTH), high);
      this.#outline({ track, kind, index: at }, left, y, right - left, high);
      this.#label(shownText(slices.events[at]!.name), left, right, y + high / 2, kind);
      at++;
    }
    context.globalAlpha = 1;
  }

  #fill(slices: Slices, at: number, kind: 'step' | 'wait', track: Track): void {
    const { palette, isMatch } = this.#scene;
    const { name } = slices.events[at]!;
    this.#context.fillStyle = kind === 'step' ? palette.step : colorOfWait(palette, name);
    const isDim = isMatch !== null && !isMatch(name, track);
    this.#context.globalAlpha = (kind === 'step' ? 1 : 0.34) * (isDim ? 0.25 : 1);
  }

  #outline(slice: SliceRef, x: number, y: number, wide: number, high: number): void {
    const { selected, hovered, palette, isMatch } = this.#scene;
    const { name } = (slice.kind === 'step' ? slice.track.steps : slice.track.waits).events[slice.index]!;
    const isSelected = isSame(selected, slice);
    const isFound = isMatch?.(name, slice.track) === true;
    if (!isSelected && !isFound && !isSame(hovered, slice)) return;
    const context = this.#context;
    context.globalAlpha = 1;
    context.strokeStyle = isSelected || !isFound ? palette.text : palette.match;
    context.lineWidth = isSelected ? 2 : 1.25;
    context.strokeRect(x, y, Math.max(wide, LEAST_WIDTH), high);
  }

  #label(text: string, left: number, right: number, middle: number, kind: 'step' | 'wait'): void {
    const room = right - left - 8;
    if (room < 18) return;
    const { palette } = this.#scene;
    const context = this.#context;
    context.globalAlpha = 1;
    context.fillStyle = kind === 'step' ? palette.stepText : palette.text;
    context.fillText(fitted(context, text, Math.min(room, 600)), left + 4, middle + 0.5);
  }

  #marks(track: Track, row: number): void {
    const { window, palette } = this.#scene;
    const context = this.#context;
    const middle = this.#y(row) + ROW / 2;
    let before = -Infinity;
    for (const { time, event } of track.marks) {
      if (time < window.from || time > window.to) continue;
      const x = this.#x(time);
      if (x - before < 1) continue;
      before = x;
      const isBad = event.cat === 'error' || event.args?.['failed'] === true;
      context.fillStyle = isBad || event.cat === 'cancel' ? palette.error : palette.muted;
      if (event.cat === 'end' && !isBad) {
        context.fillRect(x, middle - 8, 1.5, 16);
        continue;
      }
      context.beginPath();
      context.moveTo(x, middle - 8);
      context.lineTo(x + 4, middle - 11);
      context.lineTo(x - 4, middle - 11);
      context.fill();
      context.fillRect(x - 0.5, middle - 10, 1, 20);
    }
  }

  #path(track: Track, row: number): void {
    const parts = this.#scene.path?.get(track);
    if (parts === undefined) return;
    const { window, palette } = this.#scene;
    const context = this.#context;
    context.fillStyle = palette.path;
    let drawn = -Infinity;
    for (const { begin, end, kind } of parts) {
      if (end < window.from || begin > window.to) continue;
      const left = Math.max(this.#x(begin), drawn);
      const right = Math.max(this.#x(end), left + LEAST_WIDTH);
      context.globalAlpha = kind === 'step' ? 1 : 0.55;
      context.fillRect(left, this.#y(row) + ROW - 3, right - left, 3);
      drawn = left;
    }
    context.globalAlpha = 1;
  }

  #arrows(): void {
    const { model, window, selected } = this.#scene;
    const [first, last] = this.#visibleRows();
    const all = model.arrowsIn(window.from - window.span, window.to);
    const own = selected === null ? [] : model.arrowsOf(selected);
    const shown = all.length > MOST_ARROWS * 4 ? [] : all.filter((arrow) => this.#isSeen(arrow, first, last));
    // Few arrows are strong; many would cover what they lead to.
    const strength = own.length > 0 ? 0.2 : shown.length > 60 ? 0.4 : 0.75;
    if (shown.length <= MOST_ARROWS) for (const arrow of shown) this.#arrow(arrow, strength);
    for (const arrow of own) this.#arrow(arrow, 1);
    this.#context.globalAlpha = 1;
  }

  #isSeen({ from, to, end }: Arrow, first: number, last: number): boolean {
    if (to === null || end < this.#scene.window.from) return false;
    const rows = [this.#rowOf.get(from) ?? -1, this.#rowOf.get(to) ?? -1];
    return Math.max(...rows) >= first && Math.min(...rows) <= last && from !== to;
  }

  #arrow(arrow: Arrow, alpha: number): void {
    if (arrow.to === null) return;
    const { palette } = this.#scene;
    const context = this.#context;
    const [row, target] = [this.#rowOf.get(arrow.from), this.#rowOf.get(arrow.to)];
    if (row === undefined || target === undefined) return;
    const [x, y] = [this.#x(arrow.begin), this.#y(row) + ROW / 2];
    const [endX, endY] = [this.#x(arrow.end), this.#y(target) + ROW / 2];
    const color = palette.arrow[arrow.kind] ?? palette.muted;
    const bend = Math.min(60, Math.max(12, Math.abs(endX - x) / 2));
    context.globalAlpha = alpha;
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = 1.25;
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo(x + bend, y, endX - bend, endY, endX, endY);
    context.stroke();
    context.beginPath();
    context.moveTo(endX + 1, endY);
    context.lineTo(endX - 6, endY - 3.5);
    context.lineTo(endX - 6, endY + 3.5);
    context.fill();
  }

  #names(): void {
    const { model, palette, gutter, height, isMatch, selectedTrack } = this.#scene;
    const context = this.#context;
    context.fillStyle = palette.panel;
    context.fillRect(0, HEAD, gutter, height);
    const [first, last] = this.#visibleRows();
    const severalLoops = model.hasSeveralLoops;
    for (let row = first; row <= last; row++) {
      const track = model.tracks[row]!;
      const isFound = isMatch?.('', track) === true;
      context.fillStyle = isFound ? palette.match : track.parent === null ? palette.text : palette.muted;
      if (track === selectedTrack) {
        context.fillStyle = palette.step;
        context.fillRect(0, this.#y(row), 3, ROW);
        context.fillStyle = palette.text;
      }
      const text = severalLoops && track.parent === null ? `${model.processOf(track)}: ${track.name}` : track.name;
      const indent = track.parent === null ? 10 : 24;
      context.fillText(fitted(context, text, gutter - indent - 8), indent, this.#y(row) + ROW / 2 + 0.5);
    }
    context.fillStyle = palette.line;
    context.fillRect(gutter - 1, HEAD, 1, height);
  }
}

function isSame(one: SliceRef | null, other: SliceRef): boolean {
  return one !== null && one.track === other.track && one.kind === other.kind && one.index === other.index;
}

function roundRect(context: CanvasRenderingContext2D, x: number, y: number, wide: number, high: number): void {
  if (wide < 6) {
    context.fillRect(x, y, wide, high);
    return;
  }
  context.beginPath();
  context.roundRect(x, y, wide, high, 2.5);
  context.fill();
}
