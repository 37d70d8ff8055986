/** The two files written from tokens.json, by name. */
export function generate(): Record<"tokens.css" | "tokens.ts", string>;
