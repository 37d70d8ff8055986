import { expect, test } from "vitest";
import type { WorldAnswer } from "@/api/gen/WorldAnswer";
import type { WorldLink } from "@/api/gen/WorldLink";
import { linkText, visibleLinks } from "./acts";
import { signs } from "./answers";

const did = (kind: WorldAnswer["kind"], machine = false): WorldAnswer => ({
  at: "2026-11-22T10:00:00Z",
  kind,
  machine,
  url: null,
  unheard: false,
  text: null,
  amount: null,
});
const link = (url: string, rest: Partial<WorldLink> = {}): WorldLink => ({
  url,
  words: "",
  unheard: false,
  kind: "content",
  hidden: false,
  ...rest,
});

test("each thing that was done has one sign, in the order of its first time", () => {
  expect(signs([did("opened"), did("clicked"), did("opened"), did("unsubscribed_on_page")])).toEqual([
    { sign: "opened", machine: false, unheard: false },
    { sign: "clicked", machine: false, unheard: false },
    { sign: "unsubscribed", machine: false, unheard: false },
  ]);
});

test("what a person did too is no machine's", () => {
  expect(signs([did("clicked", true), did("opened", true), did("opened")])).toEqual([
    { sign: "clicked", machine: true, unheard: false },
    { sign: "opened", machine: false, unheard: false },
  ]);
});

test("a click counts as not tracked only where no click of the mail comes back", () => {
  const past = { ...did("clicked"), unheard: true };
  expect(signs([past])[0]?.unheard).toBe(true);
  expect(signs([past, did("clicked")])[0]?.unheard).toBe(false);
});

test("the trap that only machines follow is no link to click, and the others keep their places", () => {
  const links = [link("http://a/trap", { hidden: true }), link("http://a/1"), link("http://a/u", { kind: "leave" })];
  expect(visibleLinks(links).map(({ place }) => place)).toEqual([1, 2]);
});

test("links that look alike are told apart by their places", () => {
  const shown = visibleLinks([link("https://a/1"), link("https://a/1"), link("https://a/u", { kind: "leave" })]);
  expect(shown.map(({ link, place }) => linkText(link, place, shown))).toEqual([
    "1. Link · a/1",
    "2. Link · a/1",
    "Leave the list · a/u",
  ]);
});

test("a link is called by its words, and says that nothing of it comes back", () => {
  const shown = visibleLinks([
    link("http://a/c/1", { words: "new beans" }),
    link("https://a/2", { words: "new mugs", unheard: true }),
  ]);
  expect(shown.map(({ link, place }) => linkText(link, place, shown))).toEqual([
    "Link · new beans",
    "Link · new mugs · not tracked",
  ]);
});
