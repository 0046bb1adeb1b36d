/** A key as `node:readline` names it, and the text that it types. */
export interface Key {
  readonly name: string;
  readonly text: string;
  readonly ctrl: boolean;
}
