/** Text on the canvas layer: measured once, shortened once. */
const widths = new Map<string, number>();

/** Width of a text in the context's font, remembered. */
export function measure(context: CanvasRenderingContext2D, text: string): number {
  const key = `${context.font} ${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  if (widths.size > 20_000) widths.clear();
  const width = context.measureText(text).width;
  widths.set(key, width);
  return width;
}

const fits = new Map<string, string>();

/** The text, shortened with an ellipsis to a width. */
export function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${context.font} ${width} ${text}`;
  const known = fits.get(key);
  if (known !== undefined) return known;
  if (fits.size > 20_000) fits.clear();
  let result = text;
  if (measure(context, text) > width) {
    let low = 0;
    let high = text.length;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (context.measureText(`${text.slice(0, middle).trimEnd()}…`).width <= width) low = middle;
      else high = middle - 1;
    }
    result = `${text.slice(0, low).trimEnd()}…`;
  }
  fits.set(key, result);
  return result;
}

/** At most so many characters. */
export function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
