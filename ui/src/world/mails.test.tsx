import { act, renderHook, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { WorldMailPage } from "@/api/gen/WorldMailPage";
import type { WorldMailRow } from "@/api/gen/WorldMailRow";
import type { WorldMailsArgs } from "@/api/gen/WorldMailsArgs";
import { answering, Ground } from "@/testing";
import { type MailFilter, type Mails, PAGE, useMails } from "./mails";

const mail = (id: number): WorldMailRow => ({
  id,
  received_at: "2026-11-22T10:00:00Z",
  to: `p${id}@example.com`,
  name: "",
  persona: "busy",
  from: "Shop",
  subject: `Mail ${id}`,
  message: null,
  contact: null,
  answers: [],
});

/** An inbox that grows, and what a list shows of it. */
function inbox(from: number) {
  let newest = from;
  const program = answering({
    "world.mails": ({ before, limit, to }: WorldMailsArgs): WorldMailPage => {
      const top = Math.min(newest, (before ?? Number.POSITIVE_INFINITY) - 1);
      const all = to === null ? top : Math.min(3, top);
      const mails = Array.from({ length: Math.min(limit, all) }, (_, n) => mail(top - n));
      return { mails, found: to === null ? newest : 3, before: all > limit ? (mails.at(-1)?.id ?? null) : null };
    },
  });
  const nobody: MailFilter = { search: null, to: null, persona: null };
  const hook = renderHook((filter: MailFilter) => useMails(filter, ""), { wrapper: Ground, initialProps: nobody });
  return {
    hook,
    program,
    list: (): Mails => hook.result.current,
    comes: (n: number) => {
      newest += n;
      act(() => program.tell("world"));
    },
  };
}

const idAt = (list: Mails, index: number) => list.rowAt(index)?.id;

test("at the top, the list goes with the newest", async () => {
  const { list, comes } = inbox(250);
  await waitFor(() => expect(idAt(list(), 0)).toBe(250));
  comes(3);
  await waitFor(() => expect(idAt(list(), 0)).toBe(253));
  expect(list().fresh).toBe(0);
});

test("a list that is held stays where it is, counts what came, and follows again when asked", async () => {
  const { list, comes } = inbox(250);
  await waitFor(() => expect(list().rows).toBe(PAGE));
  act(() => list().hold());
  expect(idAt(list(), 0)).toBe(250);
  comes(7);
  await waitFor(() => expect(list().fresh).toBe(7));
  expect(idAt(list(), 0)).toBe(250);
  expect(list().indexOf(240)).toBe(10);
  expect(list().found).toBe(257);
  act(() => list().follow());
  expect(idAt(list(), 0)).toBe(257);
  expect(list().fresh).toBe(0);
});

test("older pages join without a gap and without a mail twice, whatever comes meanwhile", async () => {
  const { list, comes } = inbox(250);
  await waitFor(() => expect(list().rows).toBe(PAGE));
  act(() => list().loadMore());
  comes(40);
  await waitFor(() => expect(list().rows).toBe(2 * PAGE));
  act(() => list().loadMore());
  await waitFor(() => expect(list().rows).toBe(250));
  expect(list().more).toBe(false);
  act(() => list().onRange(0, 250));
  await waitFor(() => expect(idAt(list(), 120)).toBe(130));
  const ids = Array.from({ length: 250 }, (_, index) => idAt(list(), index));
  expect(ids).toEqual(Array.from({ length: 250 }, (_, n) => 250 - n));
});

test("pages out of sight are not asked for again", async () => {
  const { list, comes, program } = inbox(450);
  await waitFor(() => expect(list().rows).toBe(PAGE));
  for (const rows of [200, 300, 400]) {
    act(() => list().loadMore());
    await waitFor(() => expect(list().rows).toBe(rows));
  }
  act(() => list().onRange(390, 400));
  const before = program.times("world.mails");
  comes(1);
  // The head, and the page in sight.
  await waitFor(() => expect(program.times("world.mails")).toBe(before + 2));
  expect(list().fresh).toBe(1);
});

test("another filter begins at its own head", async () => {
  const { list, hook } = inbox(250);
  await waitFor(() => expect(list().rows).toBe(PAGE));
  act(() => list().loadMore());
  await waitFor(() => expect(list().rows).toBe(2 * PAGE));
  hook.rerender({ search: null, to: "p1@example.com", persona: null });
  await waitFor(() => expect(list().found).toBe(3));
  expect(list().rows).toBe(3);
  expect(list().more).toBe(false);
});
