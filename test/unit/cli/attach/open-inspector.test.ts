import { describe, expect, it } from 'vitest';
import { expectedPort } from '../../../../src/cli/attach/open-inspector.ts';

describe('the port at which a process opens its inspector', () => {
  const lineOf = (...args: string[]) => ['node', ...args, ''].join('\0');

  it.each([
    ['nothing is said', lineOf('main.js'), 9229],
    ['a port is given', lineOf('--inspect-port=9300', 'main.js'), 9300],
    ['a host is given as well', lineOf('--inspect=0.0.0.0:9301', 'main.js'), 9301],
    ['the host is one of IPv6', lineOf('--inspect-brk=[::1]:9302', 'main.js'), 9302],
    ['only the host is given', lineOf('--inspect=127.0.0.1', 'main.js'), 9229],
    ['no port is given', lineOf('--inspect', 'main.js'), 9229],
    ['any free port is taken', lineOf('--inspect-port=0', 'main.js'), null],
    ['two are given', lineOf('--inspect-port=0', '--inspect=9303', 'main.js'), 9303],
    ['the port is an argument of its own', lineOf('--inspect-port', '0', 'main.js'), null],
    ['an option is written with underscores', lineOf('--inspect_port=9306', 'main.js'), 9306],
    ['a number follows an option that takes none', lineOf('--inspect', '9307'), 9229],
    ['its options come by another name', lineOf('--debug-port=9304', 'main.js'), 9304],
  ])('is known where %s', (_, line, port) => {
    expect(expectedPort(line, 'HOME=/root\0')).toBe(port);
  });

  it('is known from NODE_OPTIONS, which options of the command line outdo', () => {
    const environment = 'HOME=/root\0NODE_OPTIONS=--no-warnings --inspect-port=9305\0X=--inspect-port=1\0';
    expect(expectedPort(lineOf('main.js'), environment)).toBe(9305);
    expect(expectedPort(lineOf('--inspect-port=0', 'main.js'), environment)).toBe(null);
  });
});
