// Pictures to try it with: waves of colours, each with other lengths.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encode, type Picture } from './png.ts';

/** Picture number `n`. */
export function waves(n: number, width: number, height: number): Picture {
  const pixels = new Uint8Array(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      pixels[at] = wave(x / (9 + n) + y / 31);
      pixels[at + 1] = wave(y / (7 + n) - x / 53);
      pixels[at + 2] = wave((x + y) / (23 + 2 * n));
      pixels[at + 3] = 255;
    }
  }
  return { width, height, pixels };
}

function wave(at: number): number {
  return Math.round(127.5 + 127.5 * Math.sin(at));
}

/** Fills a folder with so many pictures. */
export async function makePictures(folder: string, count: number, width = 640, height = 480): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < count; n++) {
    const file = path.join(folder, `waves-${String(n).padStart(3, '0')}.png`);
    await writeFile(file, await encode(waves(n, width, height)));
  }
}
