/** Joins class names, leaving out what is false. */
export function cx(...parts: (string | boolean | null | undefined)[]): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join(" ");
}

/** Where floating layers are put, so that zoom and direction apply to them. */
export function portalRoot(): HTMLElement {
  return document.getElementById("portal") ?? document.body;
}
