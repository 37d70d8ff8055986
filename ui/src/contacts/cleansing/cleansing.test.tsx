import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { CleansingApplied } from "@/api/gen/CleansingApplied";
import type { CleansingContact } from "@/api/gen/CleansingContact";
import type { CleansingFound } from "@/api/gen/CleansingFound";
import type { CleansingRunning } from "@/api/gen/CleansingRunning";
import type { JobView } from "@/api/gen/JobView";
import { answering, type Program, showProgram } from "@/testing";
import { difference, visible } from "./difference";

const FOUND: CleansingFound = {
  run: 4,
  at: "2026-11-27T12:00:00Z",
  asked: { where: null, country: "DE" },
  looked_at: 5000,
  contacts: 3,
  rules: [
    { rule: "name_case", values: 2, fields: [{ key: "first_name", label: "First name", values: 2 }] },
    { rule: "email_domain", values: 2, fields: [{ key: "email", label: "E-mail", values: 2 }] },
  ],
};
const capitals = { rule: "name_case", reason: "capitals", about: null } as const;
const slip = { rule: "email_domain", reason: "slip", about: "gmail.com" } as const;
const named = (old: string, next: string) => ({
  key: "first_name",
  label: "First name",
  old,
  new: next,
  steps: [capitals],
  taken_by: null,
  suppressed: false,
});
const mailed = (old: string, next: string, taken_by: number | null, suppressed: boolean) => ({
  ...named(old, next),
  key: "email",
  label: "E-mail",
  steps: [slip],
  taken_by,
  suppressed,
});
const ROWS: CleansingContact[] = [
  {
    id: 1,
    email: "ada@gmial.com",
    changes: [named("ADA", "Ada"), mailed("ada@gmial.com", "ada@gmail.com", null, true)],
  },
  { id: 2, email: "bo@x.example", changes: [named("BO-LENA", "Bo-Lena")] },
  { id: 3, email: "cy@gmial.com", changes: [mailed("cy@gmial.com", "cy@gmail.com", 9, false)] },
];
const APPLIED: CleansingApplied = {
  id: 12,
  contacts: 2,
  values: 2,
  changed_since: 0,
  taken: [{ contact: 3, email: "cy@gmial.com", wanted: "cy@gmail.com", other: 9 }],
  taken_total: 1,
  suppressed: 1,
};

/** A program in which each job has ended with this answer. */
function stand(found: CleansingFound | null, result: unknown = null, running: CleansingRunning | null = null): Program {
  const ended: JobView = {
    id: 1,
    what: "",
    state: "done",
    done: 1,
    total: 1,
    phase: "",
    started_at: "2026-11-27T12:00:00Z",
    result,
    error: null,
  };
  const by = (rules: readonly string[]) =>
    ROWS.filter((row) => row.changes.some((each) => each.steps.some((step) => rules.includes(step.rule))));
  return answering({
    "workspaces.current": () => ({
      file: "/a.carillon",
      workspace: {
        name: "A",
        clock: "real",
        sample: false,
        time_zone: "Europe/Berlin",
        postal_address: "",
        organisation: "",
        created_at: "2026-01-01T00:00:00Z",
      },
      warnings: [],
    }),
    "segments.list": () => [],
    "cleansing.show": () => ({
      country: "DE",
      countries: ["DE", "FR"],
      found,
      past: [{ id: 11, at: "2026-11-26T12:00:00Z", contacts: 20, values: 31, cut_off: false, undone_at: null }],
      running,
    }),
    "cleansing.page": ({ rules, only = null }) => {
      const rows = by(only === null ? rules : [only]);
      return { rows, total: rows.length, accepted: by(rules).length };
    },
    "cleansing.find": () => ({ job: 1 }),
    "cleansing.apply": () => ({ job: 2 }),
    "cleansing.undo": () => ({ job: 3 }),
    "jobs.get": ({ id }) => ({ ...ended, id }),
  });
}
const ordered = (program: Program, name: string) =>
  program.asked.filter((each) => each.name === name).map((each) => each.args);

beforeEach(() => localStorage.clear());

test("a workspace that was never looked through says what looking does, and looks with the country that is chosen", async () => {
  const program = stand(null, { ...FOUND, contacts: 0 });
  showProgram("/contacts/cleansing");
  expect(await screen.findByText("Is everything written as it should be?")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Look through" }));
  expect(ordered(program, "cleansing.find")).toEqual([{ where: null, country: "DE" }]);
  expect(await screen.findByText("Nothing to put right was found.")).toBeDefined();
});

test("what is left out by rule or by change is not applied, and the whole is taken back from the notice", async () => {
  const program = stand(FOUND, APPLIED);
  showProgram("/contacts/cleansing");
  expect(await screen.findByRole("button", { name: "Put 3 contacts right" })).toBeDefined();
  await userEvent.click(screen.getByRole("checkbox", { name: "Accept: First name of ada@gmial.com" }));
  expect(screen.getByText("1 change is left out.")).toBeDefined();
  await userEvent.click(screen.getByRole("checkbox", { name: "Accept: Slips in e-mail domains" }));
  await userEvent.click(await screen.findByRole("button", { name: "Put 2 contacts right" }));
  expect(ordered(program, "cleansing.apply")).toEqual([
    { run: 4, rules: ["name_case"], except: [{ contact: 1, key: "first_name" }] },
  ]);
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(ordered(program, "cleansing.undo")).toEqual([{ id: 12 }]));
});

test("work that was begun before the screen was opened is followed to its end, and told of once", async () => {
  const program = stand(FOUND, { ...FOUND, contacts: 3 }, { job: 9, what: "find" });
  showProgram("/contacts/cleansing");
  expect(await screen.findByText("Something was found in 3 contacts.")).toBeDefined();
  expect(ordered(program, "jobs.get")).toEqual([{ id: 9 }]);
  program.tell("cleansing");
  await waitFor(() => expect(program.times("cleansing.show")).toBeGreaterThan(1));
  expect(program.times("jobs.get")).toBe(1);
});

test("a rule is looked at alone, also one that is left out", async () => {
  stand(FOUND);
  showProgram("/contacts/cleansing");
  await userEvent.click(await screen.findByRole("checkbox", { name: "Accept: Names in capitals or small letters" }));
  await userEvent.click(screen.getByRole("button", { name: /^Names in capitals/ }));
  expect(await screen.findByText("This rule is not accepted. These are its changes if it were.")).toBeDefined();
  const table = screen.getByRole("table", { name: "Changes" });
  await waitFor(() => expect(within(table).queryByText("cy@gmial.com")).toBeNull());
  for (const box of within(table).getAllByRole("checkbox")) {
    expect(box.getAttribute("aria-disabled")).toBe("true");
  }
});

test("an address somebody has cannot be accepted, and one that is never written to is said", async () => {
  stand(FOUND, APPLIED);
  showProgram("/contacts/cleansing");
  const taken = await screen.findByRole("checkbox", { name: "Accept: E-mail of cy@gmial.com" });
  expect(taken.getAttribute("aria-disabled")).toBe("true");
  expect(taken.getAttribute("aria-checked")).toBe("false");
  expect(screen.getByText(/Another contact has this address/)).toBeDefined();
  expect(screen.getByText(/on the list of those never written to, and stays there/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Put 3 contacts right" }));
  const note = await screen.findByRole("note");
  expect(within(note).getByRole("link", { name: "cy@gmail.com" }).getAttribute("href")).toContain("/contacts/9");
  expect(within(note).getByText(/1 new address is on the list/)).toBeDefined();
});

test("what was cleaned up is taken back once somebody has said so", async () => {
  const program = stand(FOUND, { restored: 30, kept: 1 });
  showProgram("/contacts/cleansing?tab=past");
  await userEvent.click(await screen.findByRole("button", { name: "Take back" }));
  const asks = await screen.findByRole("alertdialog");
  expect(ordered(program, "cleansing.undo")).toEqual([]);
  await userEvent.click(within(asks).getByRole("button", { name: "Take back" }));
  expect(ordered(program, "cleansing.undo")).toEqual([{ id: 11 }]);
  expect(await screen.findByText("30 values are as they were. 1 stays: somebody changed it since.")).toBeDefined();
});

test("what differs is marked with the fewest letters, letters as people see them", () => {
  // What goes stands in round brackets, what comes in square ones.
  const marked = (old: string, next: string) =>
    difference(old, next)
      .map(({ kind, text }) => ({ both: text, gone: `(${text})`, come: `[${text}]` })[kind])
      .join("");
  expect(marked("p@gmial.com", "p@gmail.com")).toBe("p@gm(i)a[i]l.com");
  expect(marked("030 901820", "+4930901820")).toBe("(0)[+49]30( )901820");
  expect(marked("Bad  Homburg ", "Bad Homburg")).toBe("Bad ( )Homburg( )");
  expect(marked("", "Weber")).toBe("[Weber]");
  expect(marked("same", "same")).toBe("same");
  expect(marked("Jo\u0308rg", "Jörg")).toBe("J(o\u0308)[ö]rg");
  expect(marked("a".repeat(300), "b".repeat(300))).toHaveLength(604);
  expect(visible("a \u200b\u00a0")).toBe("a·◌·");
});
