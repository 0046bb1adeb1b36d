// What `bun test` gives to test files, as far as it is used here.
declare module 'bun:test' {
  interface Options {
    readonly timeout?: number;
    readonly retry?: number;
    readonly repeats?: number;
  }
  type Declare = (title: string, fn: () => Promise<void>, options?: Options) => void;
  type DeclareEach = (
    cases: readonly unknown[],
  ) => (title: string, fn: (...args: unknown[]) => Promise<void>, options?: Options) => void;

  export const test: Declare & {
    readonly only: Declare;
    readonly skip: Declare;
    readonly each: DeclareEach;
    todo(title: string): void;
  };
}
