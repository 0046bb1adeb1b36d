/** What a pointer can do; positions are in pixels of the canvas. */
export interface PointerActions {
  regionAt(x: number, y: number): 'overview' | 'ruler' | 'names' | 'rows';
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  zoomHere(x: number, y: number): void;
  drag(byX: number, byY: number): void;
  scroll(by: number): void;
  panPixels(by: number): void;
  zoomAt(factor: number, x: number): void;
  /** A span is being chosen. */
  choose(from: number, to: number): void;
  chosen(from: number, to: number): void;
  overview(x: number): void;
  canScroll(): boolean;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A pointer that has moved less than this has clicked. */
const CLICK = 4;

/** Mouse, pen and fingers on the canvas: drag moves, two fingers zoom, a drag on the axis chooses a span. */
export class Pointer {
  readonly #canvas: HTMLCanvasElement;
  readonly #actions: PointerActions;
  readonly #down = new Map<number, Point>();
  #start: Point = { x: 0, y: 0 };
  #mode: 'none' | 'move' | 'choose' | 'overview' = 'none';
  #hasMoved = false;

  constructor(canvas: HTMLCanvasElement, actions: PointerActions, signal: AbortSignal) {
    this.#canvas = canvas;
    this.#actions = actions;
    canvas.addEventListener('pointerdown', (event) => this.#press(event), { signal });
    canvas.addEventListener('pointermove', (event) => this.#move(event), { signal });
    canvas.addEventListener('pointerup', (event) => this.#release(event), { signal });
    canvas.addEventListener('pointercancel', (event) => this.#cancel(event), { signal });
    canvas.addEventListener('pointerleave', () => actions.leave(), { signal });
    canvas.addEventListener('dblclick', (event) => actions.zoomHere(event.offsetX, event.offsetY), { signal });
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = { x: event.offsetX, y: event.offsetY };
    this.#canvas.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, at);
    this.#start = at;
    this.#hasMoved = false;
    const region = this.#actions.regionAt(at.x, at.y);
    if (region === 'overview') {
      this.#mode = 'overview';
      this.#actions.overview(at.x);
    } else {
      this.#mode = region === 'ruler' || event.shiftKey ? 'choose' : 'move';
    }
  }

  #move(event: PointerEvent): void {
    const at = { x: event.offsetX, y: event.offsetY };
    const before = this.#down.get(event.pointerId);
    if (before === undefined) {
      this.#actions.hover(at.x, at.y);
      return;
    }
    const distance = this.#distance();
    this.#down.set(event.pointerId, at);
    if (Math.hypot(at.x - this.#start.x, at.y - this.#start.y) > CLICK) this.#hasMoved = true;
    if (this.#down.size === 2) {
      this.#hasMoved = true;
      const now = this.#distance();
      if (distance > 0 && now > 0) this.#actions.zoomAt(distance / now, this.#middle());
    } else if (this.#mode === 'overview') {
      this.#actions.overview(at.x);
    } else if (this.#mode === 'choose') {
      this.#actions.choose(this.#start.x, at.x);
    } else if (this.#hasMoved) {
      this.#actions.leave();
      this.#actions.drag(at.x - before.x, at.y - before.y);
    }
  }

  #release(event: PointerEvent): void {
    if (!this.#down.delete(event.pointerId)) return;
    const { offsetX: x, offsetY: y } = event;
    if (this.#mode === 'choose') this.#actions.chosen(this.#start.x, x);
    else if (this.#mode === 'move' && !this.#hasMoved) this.#actions.click(x, y);
    if (this.#down.size === 0) this.#mode = 'none';
  }

  #cancel(event: PointerEvent): void {
    this.#down.delete(event.pointerId);
    if (this.#mode === 'choose') this.#actions.chosen(0, 0);
    this.#mode = 'none';
  }

  #wheel(event: WheelEvent): void {
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 24 : 1;
    const [x, y] = [event.deltaX * lines, event.deltaY * lines];
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.#actions.zoomAt(Math.exp(Math.min(Math.max(y, -200), 200) / 260), event.offsetX);
      return;
    }
    const sideways = event.shiftKey && x === 0 ? y : x;
    if (sideways !== 0) {
      event.preventDefault();
      this.#actions.panPixels(sideways);
    } else if (this.#actions.canScroll()) {
      event.preventDefault();
      this.#actions.scroll(y);
    }
  }

  #distance(): number {
    const [one, other] = [...this.#down.values()];
    return one === undefined || other === undefined ? 0 : Math.hypot(one.x - other.x, one.y - other.y);
  }

  #middle(): number {
    const points = [...this.#down.values()];
    return points.reduce((sum, { x }) => sum + x, 0) / Math.max(1, points.length);
  }
}
