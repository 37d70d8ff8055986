import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { Commands } from "@/api/client";
import type { MatchEvidence } from "@/api/gen/MatchEvidence";
import { type Host, setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";
import { finding, strength, told } from "./evidence";

let asked: { name: string; args: Record<string, unknown> }[];

/** The fixture, which also remembers what was ordered of it. */
const stand = (amount: string) => {
  const host: Host = fixtureHost(`?fixture=${amount}&clock=real`);
  asked = [];
  setHost({
    ...host,
    mutate: (name: keyof Commands, args: never) => {
      asked.push({ name, args });
      return host.mutate(name, args);
    },
  } as Host);
};
const ordered = (name: string) => asked.filter((each) => each.name === name).map((each) => each.args);
beforeEach(() => localStorage.clear());

const queue = () => screen.findByRole("list", { name: "Pairs, the likeliest first" });
const open = async () => within(await queue()).getByRole("button", { current: true });

test("a workspace that was never searched says what a search does", async () => {
  stand("empty");
  showProgram("/contacts/duplicates");
  expect(await screen.findByText("Is anybody here twice?")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Find duplicates" }));
  expect(ordered("duplicates.find")).toHaveLength(1);
});

test("merging takes what the rules say, and what somebody picked instead", async () => {
  stand("some");
  showProgram("/contacts/duplicates");
  // The town was written last at the second contact; the first name is longer at the first.
  await userEvent.click(await screen.findByRole("radio", { name: /^City of .*old-mail/ }));
  await userEvent.click(screen.getByRole("radio", { name: /^First name of .*old-mail/ }));
  await userEvent.click(screen.getByRole("button", { name: /^Merge/ }));
  await waitFor(() => expect(ordered("duplicates.merge")).toHaveLength(1));
  expect(ordered("duplicates.merge")[0]).toEqual({
    survivor: 1,
    absorbed: 2,
    take: ["first_name", "city", "birthday"],
    stamp: "0123456789abcdef",
  });
});

test("the other address can stay, and then the rules are asked for that one", async () => {
  stand("some");
  showProgram("/contacts/duplicates");
  const radios = await screen.findAllByRole("radio", { name: "This address stays" });
  await userEvent.click(radios[1] as HTMLElement);
  await userEvent.click(screen.getByRole("button", { name: /^Merge/ }));
  await waitFor(() => expect(ordered("duplicates.merge")).toHaveLength(1));
  expect(ordered("duplicates.merge")[0]).toMatchObject({ survivor: 2, absorbed: 1, take: ["first_name", "country"] });
});

test("keys decide, skip, and take back what was decided last", async () => {
  stand("some");
  showProgram("/contacts/duplicates");
  const first = (await open()).textContent;
  await screen.findByText("Why they may be one person");
  await userEvent.keyboard("s");
  const second = (await open()).textContent;
  expect(second).not.toBe(first);
  await screen.findByText("Why they may be one person");
  await userEvent.keyboard("d");
  await waitFor(() => expect(ordered("duplicates.say")[0]).toMatchObject({ different: true }));
  await waitFor(async () => expect((await queue()).textContent).not.toContain(second ?? ""));
  await screen.findByText("Why they may be one person");
  await userEvent.keyboard("u");
  await waitFor(() => expect(ordered("duplicates.say")[1]).toMatchObject({ different: false }));
  await screen.findByText("Why they may be one person");
  await userEvent.keyboard("m");
  await waitFor(() => expect(ordered("duplicates.merge")).toHaveLength(1));
  await userEvent.keyboard("u");
  await waitFor(() => expect(ordered("duplicates.unmerge")).toHaveLength(1));
});

test("a merge in the history is taken back once somebody has said so", async () => {
  stand("some");
  showProgram("/contacts/duplicates?tab=merges");
  await userEvent.click(await screen.findByRole("button", { name: "Take back" }));
  const asks = await screen.findByRole("alertdialog");
  expect(ordered("duplicates.unmerge")).toEqual([]);
  await userEvent.click(within(asks).getByRole("button", { name: "Take back" }));
  await waitFor(() => expect(ordered("duplicates.unmerge")).toEqual([{ id: 1 }]));
});

test("each finding is a plain sentence, and the loudest comes first", () => {
  const of = (level: MatchEvidence["level"], bits: number): MatchEvidence => ({
    about: "field",
    key: "last_name",
    kind: "surname",
    level,
    bits,
  });
  const label = () => "Last name";
  expect(finding(of("exact", 9), label)).toBe("The same unusual Last name");
  expect(finding(of("exact", 2), label)).toBe("The same Last name");
  expect(finding({ ...of("close", 2), key: null }, label)).toBe(
    "number of the house: the same but for a slip of the keyboard",
  );
  expect([12, 6, 3, 0.5, -1, -3, -9].map(strength)).toEqual([
    "for_very",
    "for_strong",
    "for_some",
    "for_weak",
    "against_weak",
    "against_some",
    "against_strong",
  ]);
  expect(told([of("exact", 1), of("missing", 9), of("different", -4)]).map((each) => each.bits)).toEqual([-4, 1]);
});
