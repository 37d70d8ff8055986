/** Where a line of a text begins and ends; all of the first line where no line is known. */
export function lineRange(text: string, line: number | null): { from: number; to: number } {
  const lines = text.split("\n");
  const at = Math.min(Math.max(1, line ?? 1), lines.length);
  const from = lines.slice(0, at - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return { from, to: from + (lines[at - 1]?.length ?? 0) };
}
