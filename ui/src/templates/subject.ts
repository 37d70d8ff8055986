/**
 * A subject as a list shows it: of what depends on a condition the first case, and a value as its name. `{% if a %}Hello
 * {{ first_name }}{% else %}Hello{% endif %}` is `Hello ‹first name›`.
 */
export function subjectWords(subject: string): string {
  let words = subject;
  // From the inside out, so that a condition within another is gone before that one is read.
  for (let before = ""; before !== words; ) {
    before = words;
    words = words.replace(
      /\{%-?\s*(?:if|unless|case|for)\b[^%]*%\}((?:(?!\{%-?\s*(?:if|unless|case|for|end\w+)\b)[\s\S])*?)\{%-?\s*end\w+\s*-?%\}/g,
      (_, inside: string) => inside.split(/\{%-?\s*(?:else|elsif)\b[^%]*%\}/)[0] ?? "",
    );
  }
  return words
    .replace(/\{%[^%]*%\}/g, "")
    .replace(
      /\{\{-?\s*([\w.]+)[^}]*\}\}/g,
      (_, name: string) => `‹${(name.split(".").at(-1) ?? name).replaceAll("_", " ")}›`,
    )
    .replace(/\s+/g, " ")
    .trim();
}
