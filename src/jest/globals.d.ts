// What Jest gives to test files, as far as it is used here: Jest itself answers this import, whatever is installed beside it.
declare module '@jest/globals' {
  type Declare = (title: string, fn: () => Promise<void>, timeout?: number) => void;
  type DeclareEach = (
    cases: readonly unknown[],
  ) => (title: string, fn: (...args: unknown[]) => Promise<void>, timeout?: number) => void;

  export const test: Declare & {
    readonly only: Declare;
    readonly skip: Declare;
    readonly each: DeclareEach;
    todo(title: string): void;
  };
}
