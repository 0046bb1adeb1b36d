// What the tests of the examples use of Bun besides what the library does (src/bun-test/bun.d.ts): it has the matchers of Jest, as Vitest has.
declare module 'bun:test' {
  export const expect: import('vitest').ExpectStatic;
}
