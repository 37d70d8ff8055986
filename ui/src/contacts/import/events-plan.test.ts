import { expect, test } from "vitest";
import type { EventsPreview } from "@/api/gen/EventsPreview";
import { eventsPlan, eventsProblems, guessed, propsOf } from "./events-plan";

const preview: EventsPreview = {
  file: { upload: "u" },
  name: "orders.csv",
  format: "csv",
  bytes: 100,
  columns: ["mail", "what", "when", "order_no", "total"],
  rows: [],
  rows_about: 3,
  guess: { email: "mail", name: "what", at: "when", key: "order_no" },
};

test("what the file suggests needs only its source to be said", () => {
  const choice = guessed(preview.guess);
  expect(eventsProblems(choice)).toEqual(["no_source"]);
  expect(eventsPlan(preview, choice)).toBeNull();
  expect(eventsPlan(preview, { ...choice, source: " shop " })).toEqual({
    file: { upload: "u" },
    email: "mail",
    name: { column: "what" },
    at: "when",
    key: "order_no",
    source: "shop",
  });
  expect(propsOf(preview, choice)).toEqual(["total"]);
});

test("a file without names has one for all, and without keys the whole line is one", () => {
  const choice = { ...guessed({ email: "mail", name: null, at: "when", key: null }), source: "shop" };
  expect(eventsProblems(choice)).toEqual(["no_name"]);
  const plan = eventsPlan(preview, { ...choice, nameFixed: " order " });
  expect(plan).toMatchObject({ name: { fixed: "order" }, key: null });
  expect(propsOf(preview, choice)).toEqual(["what", "order_no", "total"]);
});

test("one column cannot be two things", () => {
  const choice = { ...guessed(preview.guess), source: "shop", at: "mail" };
  expect(eventsProblems(choice)).toEqual(["column_twice"]);
});
