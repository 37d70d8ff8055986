import { expect, test } from "vitest";
import { subjectWords } from "./subject";

test("of a condition the first case is shown, and a value as its name", () => {
  expect(
    subjectWords("{% if first_name %}{{ first_name }}, good to have you{% else %}Good to have you{% endif %}"),
  ).toBe("‹first name›, good to have you");
  expect(subjectWords("How was it{% if first_name %}, {{ first_name }}{% endif %}? Honestly.")).toBe(
    "How was it, ‹first name›? Honestly.",
  );
});

test("a condition within a condition is read from the inside out", () => {
  expect(subjectWords("{% if a %}{% if b %}Both{% else %}One{% endif %}{% else %}None{% endif %}")).toBe("Both");
});

test("a default stays out, and words without code stay as they are", () => {
  expect(subjectWords("Hello {{ contact.first_name | default: 'friend' }}")).toBe("Hello ‹first name›");
  expect(subjectWords("A coffee on us: 50 % off")).toBe("A coffee on us: 50 % off");
});

test("code that is broken off does not hang and is shown as it is", () => {
  expect(subjectWords("{% if a %}Hello {{ name")).toBe("Hello {{ name");
});
