import { expect, test } from "vitest";
import type { Vocabulary } from "@/api/gen/Vocabulary";
import { eventSuggestions, propSuggestions, tagSuggestions } from "./vocabulary";

const words: Vocabulary = {
  steps: [],
  events: [
    { name: "order", count: 40, props: ["total", "shop"] },
    { name: "review", count: 1, props: [] },
    { name: "visit", count: 900, props: ["page"] },
  ],
  tags: [
    { tag: "fair", count: 2 },
    { tag: "vip", count: 12 },
  ],
};

test("what happens most is offered first, with what it came with", () => {
  expect(eventSuggestions(words)).toEqual([
    { value: "visit", about: "Happened 900 times · page" },
    { value: "order", about: "Happened 40 times · total, shop" },
    { value: "review", about: "Happened once" },
  ]);
  expect(tagSuggestions(words).map((each) => each.value)).toEqual(["vip", "fair"]);
});

test("properties are those of the named event, and of all while it never happened", () => {
  expect(propSuggestions(words, "order").map((each) => each.value)).toEqual(["shop", "total"]);
  expect(propSuggestions(words, "review")).toEqual([]);
  expect(propSuggestions(words, "ref").map((each) => each.value)).toEqual(["page", "shop", "total"]);
});

test("nothing is offered before the answer is there", () => {
  expect(eventSuggestions(undefined)).toEqual([]);
  expect(tagSuggestions(undefined)).toEqual([]);
});

test("what Carillon hears of itself is called by its words in the pickers", () => {
  const heard: Vocabulary = { events: [{ name: "email_clicked", count: 2, props: [] }], tags: [], steps: [] };
  expect(eventSuggestions(heard)).toEqual([
    { value: "email_clicked", about: "Clicked a link in a mail · Happened 2 times" },
  ]);
});
