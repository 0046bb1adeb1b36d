import { askForTurn, type Host } from '../../kernel/lowlevel.ts';

/**
 * The host of a simulated loop: its clock stands still until whoever drives it sets it, and turns are given at once, or collected for
 * `takeTurn()`.
 */
export class SimulatedHost implements Host {
  readonly resolution: number = 1e-9;
  now = 0;
  /** Whether turns are collected, and given by `takeTurn()`: everything then happens inside that call. */
  isQuick = false;
  /** Turns that were asked for and have not begun. */
  #asked = 0;
  #collected: (() => void) | null = null;
  #wish: number | null = null;
  #turn: (() => void) | null = null;

  time(): number {
    return this.now;
  }

  soon(turn: () => void): void {
    if (this.isQuick) {
      this.#collected = turn;
      return;
    }
    // A loop that asks again before its turn has come gets one turn, as in a program that is run inside one call.
    if (this.#asked > 0) return;
    this.#asked++;
    askForTurn(() => {
      this.#asked--;
      turn();
    });
  }

  at(when: number | null, turn: () => void): void {
    this.#wish = when === Number.POSITIVE_INFINITY ? null : when;
    this.#turn = turn;
  }

  ref(): void {}

  unref(): void {}

  /** Gives a collected turn. False when there is none. */
  takeTurn(): boolean {
    const turn = this.#collected;
    if (turn === null) return false;
    this.#collected = null;
    turn();
    return true;
  }

  /** Whether a turn is on its way. */
  get isBusy(): boolean {
    return this.#asked > 0 || this.#collected !== null;
  }

  /** When the loop wants its next turn; `null` when nothing of it is scheduled. */
  get wish(): number | null {
    return this.#wish;
  }

  /** Sets the clock to the time at which the loop wants its next turn, and gives it. */
  jump(): void {
    const turn = this.#turn!;
    this.now = Math.max(this.now, this.#wish!);
    this.#wish = null;
    turn();
  }

  /** Turns that were collected become turns that are on their way. */
  becomeSlow(): void {
    this.isQuick = false;
    const turn = this.#collected;
    this.#collected = null;
    if (turn !== null) this.soon(turn);
  }

  /** Forgets what the last program has asked for. */
  reset(): void {
    this.now = 0;
    this.#collected = null;
    this.#wish = null;
    this.#turn = null;
  }
}
