import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { JobView } from "@/api/gen/JobView";
import { ApiError } from "@/api/host";
import { answering, show } from "@/testing";
import { useJob } from "./job";

const running: JobView = {
  id: 7,
  what: "contacts.import_run",
  state: "running",
  done: 1,
  total: 4,
  phase: "",
  started_at: "2026-11-22T10:00:00Z",
  result: null,
  error: null,
};

function Watch({ onEnd }: { onEnd: (ended: JobView) => void }) {
  return <p>{useJob(7, onEnd)?.done ?? "nothing"}</p>;
}

test("a job is asked about when the bus tells of jobs, and not by the clock", async () => {
  let job = running;
  const { tell, times } = answering({ "jobs.get": () => job });
  const ends: JobView[] = [];
  show(<Watch onEnd={(ended) => ends.push(ended)} />);
  await screen.findByText("1");
  job = { ...running, done: 3 };
  // Commits of other things are none of its business.
  tell("contacts");
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(times("jobs.get")).toBe(1);
  tell("jobs");
  await screen.findByText("3");
  job = { ...running, done: 4, state: "done" };
  tell("jobs");
  await waitFor(() => expect(ends).toEqual([job]));
  tell("jobs");
  await waitFor(() => expect(times("jobs.get")).toBe(4));
  expect(ends).toHaveLength(1);
});

test("a job nobody can tell of any more has failed, and is not waited for", async () => {
  answering({
    "jobs.get": () => {
      throw new ApiError({ code: "not_found", message: "There is no such work." });
    },
  });
  const ends: JobView[] = [];
  show(<Watch onEnd={(ended) => ends.push(ended)} />);
  await waitFor(() => expect(ends).toHaveLength(1));
  expect(ends[0]).toMatchObject({ id: 7, state: "failed", error: { message: "There is no such work." } });
});
