import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";
import { away } from "./absence";

test("an absence is told in hours, and in days from two days on", () => {
  const from = "2026-11-20T18:00:00Z";
  expect(away({ from, to: "2026-11-20T19:10:00Z" })).toBe("1 hour");
  expect(away({ from, to: "2026-11-21T08:00:00Z" })).toBe("14 hours");
  expect(away({ from, to: "2026-11-23T06:00:00Z" })).toBe("3 days");
});

test("what fell due while nobody was here waits for an answer for each journey, and can be put away afterwards", async () => {
  setHost(fixtureHost("?fixture=much"));
  showProgram("/home");
  const list = await screen.findByRole("list", { name: "What fell due" });
  const [welcome, advent] = within(list).getAllByRole("listitem") as [HTMLElement, HTMLElement];
  expect(screen.queryByRole("button", { name: "Put this list away" })).toBeNull();
  expect(screen.getByRole("link", { name: /Say under Home/ }).textContent).toMatch(/1,352 wait/);
  await userEvent.click(within(welcome).getByRole("button", { name: "Skip" }));
  await confirm("Skip 1,240 messages of “Welcome series”?", "Skip 1,240");
  expect(await within(welcome).findByText("Skipped")).toBeDefined();
  await userEvent.click(within(advent).getByRole("button", { name: "At 9 in the morning" }));
  expect(await within(advent).findByText(/by each contact/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Put this list away" }));
  await waitFor(() => expect(screen.queryByRole("list", { name: "What fell due" })).toBeNull());
});

const confirm = async (question: string, yes: string) => {
  const dialog = await screen.findByRole("alertdialog", { name: question });
  await userEvent.click(within(dialog).getByRole("button", { name: yes }));
};

/** The list with so many messages of each journey, and what was answered. */
async function fellDue(...messages: number[]) {
  const answered: unknown[] = [];
  const fixture = fixtureHost("?fixture=much");
  setHost({
    ...fixture,
    query: (name, args) =>
      name === "absence.get"
        ? Promise.resolve({
            from: "2026-11-20T18:00:00Z",
            to: "2026-11-23T06:00:00Z",
            waiting: messages.reduce((sum, n) => sum + n, 0),
            journeys: messages.map((n, at) => ({
              journey: at + 1,
              name: `Journey ${at + 1}`,
              campaign: false,
              messages: n,
              fate: "waits",
            })),
          })
        : fixture.query(name, args),
    mutate: (name, args) => {
      if (name === "absence.answer") answered.push(args);
      return Promise.resolve({});
    },
  });
  showProgram("/home");
  await screen.findByRole("list", { name: "What fell due" });
  return answered;
}

test("all of it is sent or skipped only after a question with the count, and can be left", async () => {
  const answered = await fellDue(1200, 3);
  const [send] = screen.getAllByRole("button", { name: "Send now" }).slice(-1) as [HTMLElement];
  await userEvent.click(send);
  const dialog = await screen.findByRole("alertdialog", { name: "Send all 1,203 messages that fell due?" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
  expect(answered).toEqual([]);
  await userEvent.click(send);
  await confirm("Send all 1,203 messages that fell due?", "Send 1,203");
  const [skip] = screen.getAllByRole("button", { name: "Skip" }).slice(-1) as [HTMLElement];
  await userEvent.click(skip);
  await confirm("Skip all 1,203 messages that fell due?", "Skip 1,203");
  expect(answered).toEqual([
    { journey: null, fate: "send" },
    { journey: null, fate: "skip" },
  ]);
});

test("a few of one journey are sent without a question, many are asked about, and the morning never is", async () => {
  const answered = await fellDue(25, 26);
  const press = async (row: number, name: string) => {
    const rows = within(screen.getByRole("list", { name: "What fell due" })).getAllByRole("listitem");
    await userEvent.click(within(rows[row] as HTMLElement).getByRole("button", { name }));
  };
  await press(0, "Send now");
  await waitFor(() => expect(answered).toEqual([{ journey: 1, fate: "send" }]));
  await press(1, "At 9 in the morning");
  await waitFor(() => expect(answered.at(-1)).toEqual({ journey: 2, fate: "next_morning" }));
  await press(1, "Send now");
  await confirm("Send 26 messages of “Journey 2”?", "Send 26");
  await waitFor(() => expect(answered.at(-1)).toEqual({ journey: 2, fate: "send" }));
});

test("where nothing fell due nothing is said of it", async () => {
  setHost(fixtureHost("?fixture=empty"));
  showProgram("/home");
  await screen.findByRole("region", { name: "Figures" });
  expect(screen.queryByText(/Welcome back/)).toBeNull();
});
