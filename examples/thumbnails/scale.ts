// A smaller picture: each of its pixels is the mean of the pixels that it stands for.

import type { Picture } from './png.ts';

/** The size of a thumbnail; pictures are never made larger. */
export function sizeFor({ width, height }: { width: number; height: number }, widest: number): [number, number] {
  if (width <= widest) return [width, height];
  return [widest, Math.max(1, Math.round((height * widest) / width))];
}

/**
 * Scales a picture line by line: yields the number of finished lines after each one, so that whoever runs it can do something else in
 * between; returns the new picture.
 */
export function* scale(picture: Picture, widest: number): Generator<number, Picture, void> {
  const [width, height] = sizeFor(picture, widest);
  const pixels = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const rows = between(y, height, picture.height);
    for (let x = 0; x < width; x++)
      putMean(picture, between(x, width, picture.width), rows, pixels, (y * width + x) * 4);
    yield y + 1;
  }
  return { width, height, pixels };
}

/** The first pixel that number `n` of `of` stands for, and the one after the last. */
function between(n: number, of: number, all: number): readonly [number, number] {
  const first = Math.floor((n * all) / of);
  return [first, Math.max(first + 1, Math.floor(((n + 1) * all) / of))];
}

/** Colours count as much as they are opaque: invisible pixels often have an arbitrary colour. */
function putMean(
  { width, pixels }: Picture,
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
  to: Uint8Array,
  at: number,
): void {
  let [red, green, blue, opacity] = [0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left, from = (y * width + left) * 4; x < right; x++, from += 4) {
      const weight = pixels[from + 3]!;
      red += pixels[from]! * weight;
      green += pixels[from + 1]! * weight;
      blue += pixels[from + 2]! * weight;
      opacity += weight;
    }
  }
  const count = (right - left) * (bottom - top);
  const mean = (sum: number) => (opacity === 0 ? 0 : Math.round(sum / opacity));
  to.set([mean(red), mean(green), mean(blue), Math.round(opacity / count)], at);
}
