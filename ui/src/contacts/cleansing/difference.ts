// What differs between two texts, so that it can be marked.

/** A stretch that both texts have, or that one of them has alone: the old one (`gone`) or the new one (`come`). */
export interface Stretch {
  kind: "both" | "gone" | "come";
  text: string;
}

/** Letters as people see them: a letter with its accents is one. */
const letters = (text: string) =>
  [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)].map((one) => one.segment);

/** Texts with more pairs of letters than this are told apart as a whole. */
const MOST_PAIRS = 40_000;

/** What differs between two texts: the fewest letters that have to go and come. */
export function difference(old: string, next: string): Stretch[] {
  const [a, b] = [letters(old), letters(next)];
  const stretches: Stretch[] = [];
  const put = (kind: Stretch["kind"], text: string) => {
    const last = stretches.at(-1);
    if (last?.kind === kind) last.text += text;
    else if (text !== "") stretches.push({ kind, text });
  };
  if (a.length * b.length > MOST_PAIRS) {
    put("gone", old);
    put("come", next);
    return stretches;
  }
  const common = inCommon(a, b);
  const at = (i: number, j: number) => common[i * (b.length + 1) + j] ?? 0;
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      put("both", a[i] ?? "");
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      put("gone", a[i] ?? "");
      i += 1;
    } else {
      put("come", b[j] ?? "");
      j += 1;
    }
  }
  return stretches;
}

/** How many letters the ends of two texts have in common, from each pair of places on (longest common subsequence). */
function inCommon(a: readonly string[], b: readonly string[]): Uint16Array {
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      common[here] =
        a[i] === b[j]
          ? (common[here + width + 1] ?? 0) + 1
          : Math.max(common[here + width] ?? 0, common[here + 1] ?? 0);
    }
  }
  return common;
}

const UNSEEN = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[^\P{Cc}\n]/gu;

/** A marked stretch with its spaces and its characters nobody sees made visible. */
export const visible = (text: string) => text.replace(UNSEEN, "◌").replace(/\s/gu, "·");
