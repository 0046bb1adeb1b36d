export { AsyncFile } from './async-file.ts';
export type { WhenceLike } from './checks.ts';
export type { FileEncoding, TextOptions } from './codec.ts';
export type { Whence } from './file-content.ts';
export type { FilePath } from './file-path.ts';
export { type OpenFileOptions, openFile } from './open-file.ts';
export type { FileMode } from './open-mode.ts';
export { readFile, readLines, type WriteFileOptions, writeFile } from './whole-files.ts';
