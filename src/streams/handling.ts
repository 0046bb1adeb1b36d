import {
  type Context,
  contextOf,
  currentValues,
  LATE_NAME,
  type LateName,
  type Task,
  Watcher,
} from '../kernel/lowlevel.ts';
import type { BaseTransport } from './transports.ts';

/** The protocol of a connection that is handled by a task of its own. */
export interface Handled {
  /** The name of the handler's task. @internal */
  nameOfHandling(transport: BaseTransport): string;
  /** The handler has ended. @internal */
  handlingEnded(handling: Handling): void;
}

/** The task that handles a connection: tells its name when it is asked for, and the protocol when it has ended. */
export class Handling extends Watcher<Task<unknown>> implements LateName {
  readonly #protocol: Handled;
  /** The one that the task was begun with. */
  readonly #transport: BaseTransport;
  /** The values of the context in which it began. */
  readonly #values = currentValues();

  constructor(protocol: Handled, transport: BaseTransport) {
    super();
    this.#protocol = protocol;
    this.#transport = transport;
  }

  [LATE_NAME](): string {
    return this.#protocol.nameOfHandling(this.#transport);
  }

  /** The task, once it has ended. */
  get task(): Task<unknown> {
    return this.future!;
  }

  /** A context of its own for what has to be called at the end. */
  newContext(): Context {
    return contextOf(this.#values);
  }

  protected override ended(): void {
    this.#protocol.handlingEnded(this);
  }
}
