import { fitted } from './fit-text.ts';
import { HEAD, OVERVIEW, RULER, type Scene } from './scene.ts';
import { distanceOfMarks, shownTime } from './text.ts';

/** The head of a timeline: the whole of it with its counters, and the axis of what is seen. */
export function paintHead(context: CanvasRenderingContext2D, scene: Scene): void {
  paintOverview(context, scene);
  paintRuler(context, scene);
}

/** Where the marks of the axis are: multiples of a distance from the origin. */
export function marksOfAxis(scene: Scene): { distance: number; from: number; to: number; origin: number } {
  const { window, width, gutter, model } = scene;
  const distance = distanceOfMarks(window.span, (width - gutter) / 90);
  const origin = model.begin;
  const from = Math.ceil((window.from - origin) / distance);
  return { distance, from, to: Math.floor((window.to - origin) / distance), origin };
}

function paintOverview(context: CanvasRenderingContext2D, scene: Scene): void {
  const { model, palette, gutter, width, window } = scene;
  context.fillStyle = palette.panel;
  context.fillRect(gutter, 0, width - gutter, OVERVIEW);
  const scale = (width - gutter) / Math.max(model.end - model.begin, Number.MIN_VALUE);
  for (const [key, { times, values, most }] of model.counters) {
    if (times.length === 0 || most === 0) continue;
    const isTasks = / tasks$/.test(key);
    context.fillStyle = isTasks ? palette.step : palette.otherWaits[1]!;
    context.globalAlpha = isTasks ? 0.35 : 0.6;
    const pixels = Math.ceil(width - gutter);
    let at = 0;
    let value = 0;
    for (let x = 0; x < pixels; x++) {
      const until = model.begin + (x + 1) / scale;
      let peak = value;
      while (at < times.length && times[at]! <= until) {
        value = values[at++]!;
        peak = Math.max(peak, value);
      }
      const high = (peak / most) * (OVERVIEW - 8) * (isTasks ? 1 : 0.5);
      context.fillRect(gutter + x, OVERVIEW - high, 1, high);
    }
  }
  const left = gutter + (window.from - model.begin) * scale;
  const right = gutter + (window.to - model.begin) * scale;
  context.globalAlpha = 0.55;
  context.fillStyle = palette.ground;
  context.fillRect(gutter, 0, left - gutter, OVERVIEW);
  context.fillRect(right, 0, width - right, OVERVIEW);
  context.globalAlpha = 1;
  context.strokeStyle = palette.step;
  context.lineWidth = 1.5;
  context.strokeRect(
    Math.max(left, gutter + 1),
    1,
    Math.max(3, Math.min(right, width - 1) - Math.max(left, gutter + 1)),
    OVERVIEW - 2,
  );
}

function paintRuler(context: CanvasRenderingContext2D, scene: Scene): void {
  const { palette, gutter, width } = scene;
  const scale = (width - gutter) / scene.window.span;
  context.fillStyle = palette.panel;
  context.fillRect(gutter, OVERVIEW, width - gutter, RULER);
  const { distance, from, to, origin } = marksOfAxis(scene);
  for (let at = from; at <= to; at++) {
    const x = Math.round(gutter + (origin + at * distance - scene.window.from) * scale);
    context.fillStyle = palette.line;
    context.fillRect(x, OVERVIEW + RULER - 6, 1, 6);
    context.fillStyle = palette.muted;
    context.fillText(shownTime(at * distance, distance), x + 4, OVERVIEW + RULER / 2);
  }
  context.fillStyle = palette.line;
  context.fillRect(gutter, HEAD - 1, width - gutter, 1);
}

/** The corner above the names: what the counters of the strip are. */
export function paintCorner(context: CanvasRenderingContext2D, scene: Scene): void {
  const { palette, gutter, model } = scene;
  context.fillStyle = palette.panel;
  context.fillRect(0, 0, gutter, HEAD);
  context.fillStyle = palette.muted;
  const counters = [...model.counters].filter(([, { most }]) => most > 0);
  for (const [row, [key, { most }]] of counters.slice(0, 2).entries()) {
    const title = key.slice(key.indexOf(' ') + 1);
    context.fillText(fitted(context, `${title}: ${most} at most`, gutter - 18), 10, 14 + row * 16);
  }
  context.fillText('name', 10, OVERVIEW + RULER / 2);
  context.fillStyle = palette.line;
  context.fillRect(0, HEAD - 1, gutter, 1);
  context.fillRect(gutter - 1, 0, 1, HEAD);
}
