/** Rows as CSV after RFC 4180; texts that a spreadsheet would read as a formula are defused. */
export function csv(head: readonly string[], rows: readonly (string | number)[][]): string {
  const cell = (of: string | number): string => {
    const text = typeof of === "string" && /^[=+\-@\t\r]/.test(of) ? `'${of}` : String(of);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}
