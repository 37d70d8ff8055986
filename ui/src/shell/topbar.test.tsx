import { screen } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import type { OutboxSummary } from "@/api/gen/OutboxSummary";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

beforeEach(() => localStorage.clear());

/** A program whose outbox says this. */
function outbox(summary: Partial<OutboxSummary>) {
  const host = fixtureHost("?fixture=some");
  setHost({
    ...host,
    query: async (name, args) => {
      const answer = await host.query(name, args);
      return name === "outbox.summary" ? { ...(answer as OutboxSummary), ...summary } : answer;
    },
  });
}

test("while marketing waits for opt-outs to be heard, the pill leads to how the workspace listens", async () => {
  outbox({ closed: "no_opt_out_source" });
  showProgram("/templates");
  const pill = await screen.findByRole("link", { name: /Marketing waits: opt-outs cannot be read/ });
  expect(pill.getAttribute("href")).toMatch(/settings\?part=replies/);
});

test("messages that need attention come before that", async () => {
  outbox({
    closed: "no_opt_out_source",
    sending: { paused: false, queued: 0, in_flight: 0, deferred: 0, attention: 4 },
  });
  showProgram("/templates");
  const pill = await screen.findByRole("link", { name: "Sending: 4 need attention" });
  expect(pill.getAttribute("href")).toMatch(/outbox\?state=attention/);
});

test("replies that may be wishes to be left alone are counted, and the pill leads to them", async () => {
  const host = fixtureHost("?fixture=some");
  setHost({
    ...host,
    query: async (name, args) => (name === "responses.undecided" ? { rows: [], count: 2 } : host.query(name, args)),
  });
  showProgram("/templates");
  const pill = await screen.findByRole("link", { name: /2 replies may be wishes to be left alone/ });
  expect(pill.getAttribute("href")).toMatch(/replies$/);
  expect(pill.textContent).toBe("2 replies to look at");
});
