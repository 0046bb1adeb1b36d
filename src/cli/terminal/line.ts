/** A line of the screen. */
export interface Line {
  readonly text: string;
  readonly style: 'plain' | 'bold' | 'dim' | 'reverse';
}
