import { screen } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import type { JobView } from "@/api/gen/JobView";
import { answering, show } from "@/testing";
import { WELCOME } from "../fixture";
import { type Behind, BehindDialog } from "./Behind";

const ASKED = { id: 1, document: WELCOME, days: 90, seed: 1, start: "2026-11-22T10:00:00Z" };

/** Asks who is behind a number that so many people make. */
function ask(people: number, number: Behind["number"], total: number) {
  let most = 0;
  answering({
    "journeys.behind": ({ limit }) => {
      most = limit;
      return { job: 7 };
    },
    "jobs.get": () =>
      ({
        id: 7,
        what: "journeys.behind",
        state: "done",
        done: 1,
        total: 1,
        phase: "",
        started_at: ASKED.start,
        result: Array.from({ length: Math.min(people, most) }, (_, n) => ({ id: n + 1, email: `p${n}@example.com` })),
        error: null,
      }) satisfies JobView,
  });
  show(<BehindDialog asked={ASKED} behind={{ title: "Still inside", number, total }} onClose={() => {}} />);
}

describe("the people behind a simulated number", () => {
  test("are the first fifty with how many there are in all", async () => {
    ask(1234, { number: "never_left" }, 1234);
    expect(await screen.findByText("The first 50 of 1,234 people, as they came in.")).toBeDefined();
    expect(screen.getAllByRole("link")).toHaveLength(50);
  });

  test("are all of them where they are fifty", async () => {
    ask(50, { number: "waiting", step: "s3" }, 50);
    expect(await screen.findByText("50 people.")).toBeDefined();
    expect(screen.getAllByRole("link")).toHaveLength(50);
  });

  test("are told apart from their mails, of which one person gets several", async () => {
    ask(800, { number: "mails", day: null }, 3702);
    expect(
      await screen.findByText("3,702 mails in all. The first 50 people who get them, as they came in."),
    ).toBeDefined();
  });

  test("are told apart from how often it happened, where somebody came twice", async () => {
    ask(3, { number: "goal", step: "s5" }, 4);
    expect(await screen.findByText("3 people, 4 times in all.")).toBeDefined();
  });

  test("are called nobody where there is nobody", async () => {
    ask(0, { number: "goal", step: "s5" }, 2);
    expect(await screen.findByText("Nobody is behind this number.")).toBeDefined();
    expect(screen.queryAllByRole("link")).toHaveLength(0);
  });
});
