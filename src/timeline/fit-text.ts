/** Texts that were fitted, by text and room: to measure one takes longer than to draw a row. */
const fits = new Map<string, string>();
const MOST_FITS = 20_000;

/** A text that is not wider than its room. */
export function fitted(context: CanvasRenderingContext2D, text: string, room: number): string {
  const steps = Math.floor(room / 3);
  const key = `${steps} ${text}`;
  let fit = fits.get(key);
  if (fit === undefined) {
    if (fits.size === MOST_FITS) fits.clear();
    fit = cutToWidth(context, text, steps * 3);
    fits.set(key, fit);
  }
  return fit;
}

function cutToWidth(context: CanvasRenderingContext2D, text: string, room: number): string {
  const width = context.measureText(text).width;
  if (width <= room) return text;
  // All digits and letters have about the same width: the guess is right within a few characters.
  let length = Math.max(0, Math.min(text.length, Math.floor((room / width) * text.length)));
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return length === 0 ? '' : `${text.slice(0, length)}…`;
}
