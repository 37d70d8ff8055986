// What a file of events is taken for: pure, so that it can be tried without a screen.
import type { EventsGuess } from "@/api/gen/EventsGuess";
import type { EventsPlan } from "@/api/gen/EventsPlan";
import type { EventsPreview } from "@/api/gen/EventsPreview";

/** What the user chose so far; empty texts are not chosen yet. */
export interface EventsChoice {
  email: string;
  at: string;
  /** Whether the name stands in a column or is the same for all. */
  named: "column" | "fixed";
  nameColumn: string;
  nameFixed: string;
  /** Empty: the whole line is the key. */
  key: string;
  source: string;
}

/** What the file itself suggests. Without a column of names, all its events have one. */
export function guessed(guess: EventsGuess): EventsChoice {
  return {
    email: guess.email ?? "",
    at: guess.at ?? "",
    named: guess.name === null ? "fixed" : "column",
    nameColumn: guess.name ?? "",
    nameFixed: "",
    key: guess.key ?? "",
    source: "",
  };
}

export type EventsProblem = "no_email" | "no_at" | "no_name" | "column_twice" | "no_source";

/** What keeps the choice from being imported. */
export function eventsProblems(choice: EventsChoice): EventsProblem[] {
  const found: EventsProblem[] = [];
  if (choice.email === "") found.push("no_email");
  if (choice.at === "") found.push("no_at");
  const name = choice.named === "column" ? choice.nameColumn : choice.nameFixed.trim();
  if (name === "") found.push("no_name");
  const columns = [choice.email, choice.at, choice.named === "column" ? choice.nameColumn : "", choice.key].filter(
    (column) => column !== "",
  );
  if (new Set(columns).size < columns.length) found.push("column_twice");
  if (choice.source.trim() === "") found.push("no_source");
  return found;
}

/** The plan as the program takes it; `null` while something is missing. */
export function eventsPlan(preview: EventsPreview, choice: EventsChoice): EventsPlan | null {
  if (eventsProblems(choice).length > 0) return null;
  return {
    file: preview.file,
    email: choice.email,
    name: choice.named === "column" ? { column: choice.nameColumn } : { fixed: choice.nameFixed.trim() },
    at: choice.at,
    key: choice.key === "" ? null : choice.key,
    source: choice.source.trim(),
  };
}

/** Columns that become properties: all that are not used for something else. */
export function propsOf(preview: EventsPreview, choice: EventsChoice): string[] {
  const used = new Set([choice.email, choice.at, choice.key, choice.named === "column" ? choice.nameColumn : ""]);
  return preview.columns.filter((column) => !used.has(column));
}
