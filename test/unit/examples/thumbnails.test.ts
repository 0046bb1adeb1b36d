import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Bars, bar } from '../../../examples/thumbnails/bars.ts';
import { waves } from '../../../examples/thumbnails/pictures.ts';
import { decode, encode, type Picture, PictureError } from '../../../examples/thumbnails/png.ts';
import { scale } from '../../../examples/thumbnails/scale.ts';

/** A picture of one colour, given as red, green, blue and opacity. */
function plain(width: number, height: number, colour: readonly number[]): Picture {
  return { width, height, pixels: Uint8Array.from({ length: width * height * 4 }, (_, i) => colour[i % 4]!) };
}

function scaled(picture: Picture, widest: number): { picture: Picture; yielded: number[] } {
  const steps = scale(picture, widest);
  const yielded: number[] = [];
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return { picture: step.value, yielded };
    yielded.push(step.value);
  }
}

/** A PNG file with these lines, each of which begins with its filter. */
async function file(width: number, type: number, lines: readonly (readonly number[])[], more: Buffer[] = []) {
  const whole = Buffer.from(await encode(plain(width, lines.length, [0, 0, 0, 0])));
  whole[25] = type;
  const header = part('IHDR', whole.subarray(16, 29));
  const pixels = part('IDAT', deflateSync(Uint8Array.from(lines.flat())));
  return Buffer.concat([whole.subarray(0, 8), header, ...more, pixels, part('IEND', Buffer.alloc(0))]);
}

function part(name: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(name, 4, 'latin1');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(checksum(Buffer.concat([head.subarray(4), data])), 0);
  return Buffer.concat([head, data, sum]);
}

/** As the standard of PNG describes it, bit by bit: the program has it from node:zlib. */
function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

describe('pictures of the thumbnails', () => {
  it('are the same after they were written and read', async () => {
    const picture = waves(3, 31, 17);
    expect(await decode(await encode(picture))).toEqual(picture);
  });

  it('are read with each filter that a line can have', async () => {
    // Of two grey pixels a line; what is added: nothing, left, above, the mean of both, the nearest of three.
    const lines = [
      [0, 10, 20],
      [1, 30, 5],
      [2, 1, 2],
      [3, 4, 6],
      [4, 7, 250],
    ];
    const { pixels } = await decode(await file(2, 0, lines));
    const grey = Array.from({ length: 10 }, (_, i) => pixels[i * 4]);
    expect(grey).toEqual([10, 20, 30, 35, 31, 37, 19, 34, 26, 28]);
  });

  it('are read with each type of colours', async () => {
    const colours = async (...[type, line, more]: [number, number[], Buffer[]?]) =>
      Array.from((await decode(await file(1, type, [[0, ...line]], more))).pixels);
    expect(await colours(0, [9])).toEqual([9, 9, 9, 255]);
    expect(await colours(2, [1, 2, 3])).toEqual([1, 2, 3, 255]);
    expect(await colours(4, [9, 100])).toEqual([9, 9, 9, 100]);
    expect(await colours(6, [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
    const palette = [part('PLTE', Buffer.from([1, 2, 3, 4, 5, 6])), part('tRNS', Buffer.from([255, 70]))];
    expect(await colours(3, [1], palette)).toEqual([4, 5, 6, 70]);
  });

  it('are refused with a sentence when they are damaged or of another kind', async () => {
    const good = Buffer.from(await encode(plain(4, 4, [1, 2, 3, 4])));
    const changed = (at: number) => Buffer.from(good.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    const refusal = async (bytes: Uint8Array) => {
      const error = await decode(bytes).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(PictureError);
      return (error as Error).message;
    };
    expect(await refusal(Buffer.from('GIF89a'))).toBe('it is no PNG file');
    expect(await refusal(good.subarray(0, -20))).toBe('it ends in the middle');
    expect(await refusal(changed(17))).toBe('its part IHDR is damaged: the checksum is another one');
    expect(await refusal(await file(1, 5, [[0, 1]]))).toBe('it has colours of the unknown type 5');
    expect(await refusal(await file(2, 0, [[0, 1]]))).toBe('it should have 3 bytes of pixels, it has 2');
    expect(await refusal(await file(1, 0, [[7, 1]]))).toBe('a line has the unknown filter 7');
    expect(await refusal(await file(1, 3, [[0, 0]]))).toBe('its palette has no colour 0');
  });

  it('keep their shape and their mean colour when they are made smaller, and are never made larger', () => {
    const { picture, yielded } = scaled(plain(100, 50, [10, 20, 30, 40]), 20);
    expect(picture).toEqual(plain(20, 10, [10, 20, 30, 40]));
    expect(yielded).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const black = plain(2, 1, [0, 0, 0, 255]);
    black.pixels.set([200, 100, 50, 255]);
    expect(Array.from(scaled(black, 1).picture.pixels)).toEqual([100, 50, 25, 255]);
    expect(scaled(plain(3, 3, [1, 2, 3, 4]), 20).picture).toEqual(plain(3, 3, [1, 2, 3, 4]));
    expect(scaled(plain(100, 1, [1, 2, 3, 4]), 10).picture).toMatchObject({ width: 10, height: 1 });
  });

  it('do not take over the colours of pixels that cannot be seen', () => {
    const picture = plain(2, 1, [255, 0, 0, 0]);
    picture.pixels.set([0, 0, 90, 255]);
    expect(Array.from(scaled(picture, 1).picture.pixels)).toEqual([0, 0, 90, 128]);
  });
});

describe('the bars of the thumbnails', () => {
  it('are as full as the work is done, and no fuller', () => {
    expect([0, 0.5, 1, 7].map(bar)).toEqual([
      '[------------------------]',
      '[############------------]',
      '[########################]',
      '[########################]',
    ]);
  });

  it('stand below each other on a terminal, each drawing over the last one', () => {
    let text = '';
    const bars = new Bars({ isTTY: true, columns: 80, write: (more) => (text += more) }, 2);
    bars.progress('a.png', 0.5);
    expect(text).toBe(`${bar(0)} 0 of 2\n${bar(0.5)} a.png\n`);
    text = '';
    bars.over('a.png');
    expect(text).toBe(`\x1b[2A\x1b[J${bar(0.5)} 1 of 2\n`);
    text = '';
    bars.over('b.png', 'it is no PNG file');
    expect(text).toContain('b.png: it is no PNG file\n');
    text = '';
    bars.end();
    expect(text).toBe('\x1b[1A\x1b[J');
    expect(bars.summary).toBe('1 made, 1 failed, 0 left');
  });

  it('are whole on a terminal that was given no size', () => {
    let text = '';
    new Bars({ isTTY: true, columns: 0, write: (more) => (text += more) }, 20).progress('a.png', 0.5);
    expect(text).toBe(`${bar(0)} 0 of 20\n${bar(0.5)} a.png\n`);
  });

  it('are lines where there is no terminal', () => {
    let text = '';
    const bars = new Bars({ write: (more) => (text += more) }, 2);
    bars.progress('a.png', 0.5);
    bars.over('a.png');
    bars.over('b.png', 'it is no PNG file');
    bars.end();
    expect(text).toBe('1 of 2: a.png\nb.png: it is no PNG file\n');
  });
});
