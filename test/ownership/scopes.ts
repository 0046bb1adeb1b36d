/** Scopes, and the lines of execution that run in them: what the library has to find out, and the model is given. */
import type { Task, Wait } from './futures.ts';
import type { Ticks } from './program.ts';
import type { Promised } from './promises.ts';

/** A request for the end of a scope. */
export interface Request {
  readonly scope: Scope;
  /** Set when a line has asked for its own end and another one has received the request: that one may, or may not, receive it at its end again. */
  askedBy: Line | null;
  /** Set when a line has asked for its own end, and another one has got that by the signal: whose signal it was is not known. */
  bySignal: boolean;
  /** Its place in the order of steps and waits. */
  readonly at: number;
}

/** What can be cancelled as one. */
export class Scope {
  readonly parent: Scope | null;
  readonly task: Task;
  readonly waits = new Set<Wait>();
  readonly inner = new Set<Scope>();
  /** The latest step of a line in it, or in a scope inside. */
  stepped = 0;
  /** The latest new await in it, or in a scope inside. */
  began = 0;
  /** How often its own construct has asked for its end. */
  own = 0;
  pending: Request | null = null;
  /** What is pending once more, because a failure was thrown instead of it: lines that have got it get it again. */
  again: Request | null = null;
  /** A request that a line has made for its own end, when that line has ended, and all known lines have received it. */
  gone: Request | null = null;
  /** When a line has last taken what was pending. */
  takenAt: Ticks = -1;
  takenBy: Wait | null = null;
  readonly requests: Request[] = [];
  /** The requests that have cancelled the lines that it has left behind. */
  readonly ends: Request[] = [];
  /** Its body has settled. */
  isOver = false;
  /** By an error. */
  isLost = false;
  /** At its deadline, at once (R9). */
  isLeft = false;
  /** Made for a line that has come late: it takes what that one has missed, and those around wait for others. */
  isLate = false;
  /** The line that awaits the construct. */
  owner: Line | null = null;
  /** A plain body's promise that can be left. */
  leave: (() => boolean) | null = null;
  readonly signals = new Set<{ readonly line: Line; abort(): void }>();
  /** When a line of it has got a request by its signal, 0 for never. */
  signalSeenAt = 0;

  constructor(parent: Scope | null, task: Task) {
    this.parent = parent;
    this.task = task;
    parent?.inner.add(this);
  }

  *around(): Generator<Scope> {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) yield scope;
  }

  isWithin(other: Scope): boolean {
    for (const scope of this.around()) if (scope === other) return true;
    return false;
  }

  *inside(): Generator<Scope> {
    yield this;
    for (const scope of this.inner) yield* scope.inside();
  }

  allWaits(): Wait[] {
    const waits: Wait[] = [];
    for (const scope of this.inside()) waits.push(...scope.waits);
    return waits.sort((a, b) => a.began - b.began);
  }

  ownAround(): number {
    let sum = 0;
    for (const scope of this.around()) sum += scope.own;
    return sum;
  }
}

/** One call of a function of the program. */
export class Line {
  readonly name: string;
  readonly caller: Line | null;
  /** `null`: no task runs it. */
  scope: Scope | null;
  /** What it awaits. */
  at: Promised | null = null;
  isDone = false;
  /** It has received the cancellation at the end of `run()`. */
  isTooLate = false;
  /** The code that awaited it has got another result. */
  isLoser = false;
  readonly bornAt: number;
  /** When it, or a function that it called, has taken what was pending. */
  tookAt: Ticks = -1;
  /** When it last went on. */
  resumedAt = 0;
  /** How many `try` blocks it is in: of an error that it does not catch it ends, and does nothing more. */
  tries = 0;
  /** It has not awaited anything yet. */
  isFirstSegment = true;
  readonly received: Set<Request>;
  /** What a part of it has got. */
  readonly heard: Set<Request>;
  /** A part of `Promise.all` and others, a call that is not awaited, the body of a task or of a construct, or any other. */
  kind: 'call' | 'part' | 'float' | 'body' = 'call';
  /** Requests that came while it was at a foreign promise. */
  readonly missed: Set<Request>;
  /** Variables of its own. */
  variables: Variables | null;
  readonly group: Group | null;
  /** A generator function: its awaits are those of the frames below it. */
  readonly isGenerator: boolean;

  constructor(
    bornAt: number,
    name: string,
    caller: Line | null,
    scope: Scope | null,
    group: Group | null,
    isGenerator = false,
  ) {
    this.isGenerator = isGenerator;
    this.bornAt = bornAt;
    this.name = name;
    this.caller = caller;
    this.scope = scope;
    this.group = group;
    this.received = new Set(caller?.received);
    this.isTooLate = caller?.isTooLate ?? false;
    this.heard = new Set(caller?.heard);
    this.missed = new Set(caller?.missed);
    this.variables = caller?.variables ?? null;
  }

  *callers(): Generator<Line> {
    for (let line: Line | null = this; line !== null; line = line.caller) yield line;
  }

  /** It, and those that wait for it, as long as they do. */
  liveCallers(): Line[] {
    const live: Line[] = [this];
    for (let line = this.caller; line !== null && !line.isDone; line = line.caller) live.push(line);
    return live;
  }

  /** A function that it has called, and waited for, has ended: what that one has missed, it has missed. */
  goOnFrom(callee: Line): void {
    for (const request of callee.missed) if (!this.received.has(request)) this.missed.add(request);
  }

  /**
   * It has ended: who waits for it has asked for what it has asked for. Where nobody does, or who does has been told, all whom that
   * concerns have been told.
   */
  handOverAsked(): void {
    const { caller, scope } = this;
    if (scope === null) return;
    for (const one of scope.around()) {
      const { pending } = one;
      if (pending?.askedBy !== this) continue;
      const isOnStack = caller !== null && caller.at === null && !caller.isDone;
      if (caller === null || (this.kind === 'float' && !isOnStack) || caller.received.has(pending)) {
        one.pending = null;
        one.gone = pending;
        continue;
      }
      pending.askedBy = caller;
    }
  }

  /** Whether it is the line that has made a request, or one that this has begun since. */
  isOf(asking: Line, request: Request): boolean {
    for (const line of this.callers()) {
      if (line === asking) return true;
      if ((line.kind === 'float' || line.kind === 'part') && line.bornAt < request.at) return false;
    }
    return false;
  }

  /** Whether it is a line of its own that has begun after a request, or was called by one. */
  isBegunSince(request: Request): boolean {
    for (const { kind, bornAt } of this.callers())
      if ((kind === 'float' || kind === 'part') && bornAt >= request.at) return true;
    return false;
  }

  /** Frames of the library await what a plain body returns. */
  isPlain = false;

  /** Whether it awaits as frames do: no new await of a scope begins. */
  get isFrames(): boolean {
    return this.isGenerator || this.isPlain;
  }

  /** The error goes up to those that still wait for it; what comes out of a part of `Promise.all` and others is not certain. */
  receive(request: Request): void {
    let isCertain = true;
    for (
      let line: Line | null = this;
      line !== null;
      line = line.kind === 'float' || line.isLoser ? null : line.caller
    ) {
      if (isCertain) {
        line.received.add(request);
        line.heard.delete(request);
      } else if (!line.received.has(request)) line.heard.add(request);
      line.missed.delete(request);
      if (line.kind === 'part') isCertain = false;
    }
  }

  /** It goes on with a cancellation: what its parts have got has come to it, and to those that wait for it. */
  hear(): void {
    for (const request of [...this.heard]) this.receive(request);
  }

  /** It goes on because a part has ended: it has got what that part has. */
  hearFrom(part: Line): void {
    for (const request of [...this.heard]) if (part.received.has(request)) this.receive(request);
  }
}

export interface Variables {
  value: string;
}

/** What the model knows of a task group. */
export interface Group {
  createTask(name: string, begin: (task: Task) => void): Task;
  cancel(): void;
}
