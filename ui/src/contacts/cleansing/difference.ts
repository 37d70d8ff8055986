// What differs between two texts, so that it can be marked.

/** The part both begin with, what each has of its own, and the part both end with. */
export interface Difference {
  head: string;
  gone: string;
  come: string;
  tail: string;
}

/** Letters as people see them: a letter with its accents is one. */
const letters = (text: string) => [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)];

/** What differs between two texts, as one stretch of each. */
export function difference(old: string, next: string): Difference {
  const [a, b] = [letters(old).map((one) => one.segment), letters(next).map((one) => one.segment)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
    tail += 1;
  }
  return {
    head: a.slice(0, head).join(""),
    gone: a.slice(head, a.length - tail).join(""),
    come: b.slice(head, b.length - tail).join(""),
    tail: tail === 0 ? "" : a.slice(-tail).join(""),
  };
}

const UNSEEN = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[^\P{Cc}\n]/gu;

/** A marked stretch with its spaces and its characters nobody sees made visible. */
export const visible = (text: string) => text.replace(UNSEEN, "◌").replace(/\s/gu, "·");
