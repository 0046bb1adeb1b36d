import { ValueError } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { checkPath, showPath } from '../../../../src/node/files/file-path.ts';
import { bytes } from './support.ts';

describe('a path', () => {
  it('is a string, a URL of a file, or bytes', () => {
    const url = new URL('file:///etc/hosts');
    expect(checkPath('f', 'a/b')).toBe('a/b');
    expect(checkPath('f', url)).toBe(url);
    expect(`${checkPath('f', bytes('a/ö'))}`).toBe('a/ö');
  });

  it.each([
    ['', 'the path is empty'],
    [new Uint8Array(0), 'the path is empty'],
    ['a\0b', 'embedded null byte in '],
    [bytes('a\0b'), 'embedded null byte in '],
    [new URL('https://example.org/a'), 'the URL of a file (file:) is required, got https://example.org/a'],
  ])('%o is refused', (path, message) => {
    expect(() => checkPath('openFile', path)).toThrow(ValueError);
    expect(() => checkPath('openFile', path)).toThrow(`openFile: ${message}`);
  });

  it.each([3, null, undefined, {}])('%o is not a path', (path) => {
    expect(() => checkPath('openFile', path)).toThrow(TypeError);
    expect(() => checkPath('openFile', path)).toThrow('openFile: a path (a string, a file: URL or bytes) is required');
  });

  it('is shown as text', () => {
    expect(showPath('a')).toBe("'a'");
    expect(showPath(bytes('a'))).toBe("'a'");
    expect(showPath(new URL('file:///a'))).toBe("'file:///a'");
  });
});
