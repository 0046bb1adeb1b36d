import { type BaseProtocol, Protocol } from '../../streams/index.ts';

/** The receiver of events of the pipes of a process. */
export interface PipeOwner {
  pipeData(fd: number, data: Uint8Array): void;
  pipeLost(fd: number, error: unknown): void;
  /** The protocol of the process, whose `pauseWriting` is called. */
  protocol(): BaseProtocol;
}

/**
 * The protocol of one pipe of a process: turns its calls into calls of the process's protocol.
 *
 * Follows CPython's `ReadSubprocessPipeProto` and `WriteSubprocessPipeProto`.
 */
export class PipeProtocol extends Protocol {
  readonly #owner: PipeOwner;
  readonly #fd: number;

  constructor(owner: PipeOwner, fd: number) {
    super();
    this.#owner = owner;
    this.#fd = fd;
  }

  override dataReceived(data: Uint8Array): void {
    this.#owner.pipeData(this.#fd, data);
  }

  override connectionLost(error: unknown): void {
    this.#owner.pipeLost(this.#fd, error);
  }

  override pauseWriting(): void {
    this.#owner.protocol().pauseWriting();
  }

  override resumeWriting(): void {
    this.#owner.protocol().resumeWriting();
  }
}
