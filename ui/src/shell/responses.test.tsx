import bounces from "@assets/rules/bounce_rules.json";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { ResponseView } from "@/api/gen/ResponseView";
import { answering, show } from "@/testing";
import { agentOf, Responses, ruleText, saidText, sourceOf } from "./responses";

const LABELS = new Map([["mailbox:1", "Shop"]]);
const one = (rest: Partial<ResponseView>): ResponseView => ({
  id: 1,
  kind: "replied",
  message: 1,
  contact: 1,
  at: "2026-11-22T10:00:00Z",
  arrived_at: "2026-11-22T10:00:00Z",
  source: "mailbox:1",
  hand: "human",
  class: null,
  link: null,
  rule: null,
  detail: null,
  may_leave: null,
  email: "ann@example.com",
  subject: "Hello",
  ...rest,
});

test("every rule that calls something a bounce has words", () => {
  for (const { id } of bounces.rules) expect(ruleText(id), id).not.toBe("");
  expect(ruleText("a_rule_of_tomorrow")).toBe("");
});

test("what is kept of a hit is read for its program, and never shown as a text", () => {
  const hit = { kind: "opened", detail: '{"request":{"agent":"Scanner/1"}}' } as const;
  expect(agentOf(hit)).toBe("Scanner/1");
  expect(saidText(hit)).toBe("");
  for (const detail of [null, "", "{", "null", '{"request":null}', '{"request":{"agent":7}}']) {
    expect(agentOf({ kind: "clicked", detail })).toBeNull();
  }
  expect(agentOf({ kind: "replied", detail: hit.detail })).toBeNull();
});

test("a complaint is told in words, and one of a kind nobody knows as it came", () => {
  expect(saidText({ kind: "complained", detail: "abuse" })).toBe("Marked as spam.");
  expect(saidText({ kind: "complained", detail: "not-spam" })).toBe("Taken back: it is no spam.");
  expect(saidText({ kind: "complained", detail: "opt-out-list" })).toBe("opt-out-list");
});

test("a source is called as the workspace calls it, else by what it is", () => {
  expect(sourceOf("mailbox:1", LABELS)).toBe("from Shop");
  expect(sourceOf("mailbox:9", LABELS)).toBe("from a mailbox");
  expect(sourceOf("mailbox:file", LABELS)).toBe("from a mail in a file");
  expect(sourceOf("relay", new Map([["relay", "https://r.example"]]))).toBe("from the relay");
});

test("the text of a reply is text, whatever it looks like", async () => {
  answering({ "listening.get": () => ({ sources: [], fresh: false, not_needed: true, fresh_secs: 300 }) });
  const { container } = show(
    <Responses
      rows={[one({ detail: '<img src="https://x.example/p.gif"> <b>Hello</b>' })]}
      now="2026-11-22T11:00:00Z"
    />,
  );
  expect(await screen.findByText('<img src="https://x.example/p.gif"> <b>Hello</b>')).toBeDefined();
  expect(container.querySelector("img, b")).toBeNull();
});

test("a long text is folded until somebody wants all of it", async () => {
  answering({ "listening.get": () => ({ sources: [], fresh: false, not_needed: true, fresh_secs: 300 }) });
  show(<Responses rows={[one({ detail: "word ".repeat(300) })]} now="2026-11-22T11:00:00Z" />);
  const fold = await screen.findByRole("button", { name: "Show all of it" });
  expect(fold.getAttribute("aria-expanded")).toBe("false");
  await userEvent.click(fold);
  expect(screen.getByRole("button", { name: "Show less" }).getAttribute("aria-expanded")).toBe("true");
});

test("only of opens and clicks it is asked who it was", async () => {
  answering({ "listening.get": () => ({ sources: [], fresh: false, not_needed: true, fresh_secs: 300 }) });
  const rows = [
    one({ id: 2, kind: "clicked", source: "relay", hand: "machine", rule: "all_links" }),
    one({ kind: "bounced", class: "hard", rule: "no-such-user", detail: "550 no" }),
  ];
  show(<Responses rows={rows} now="2026-11-22T11:00:00Z" />);
  expect(await screen.findByText("By a program, from the relay")).toBeDefined();
  expect(screen.getByText("Followed all links within a short time.")).toBeDefined();
  expect(screen.getByText("from a mailbox")).toBeDefined();
  expect(screen.getByText("The address does not work")).toBeDefined();
});
