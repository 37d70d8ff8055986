import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { followCommits, newQueryClient } from "@/api/client";
import type { JobView } from "@/api/gen/JobView";
import { type Changes, type Host, setHost } from "@/api/host";
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
  let asked = 0;
  let job = running;
  let tell: (changes: Changes) => void = () => {};
  setHost({
    kind: "fixture",
    query: async () => {
      asked += 1;
      return job;
    },
    onChanged: (callback: typeof tell) => {
      tell = callback;
      return () => {};
    },
  } as unknown as Host);
  const client = newQueryClient();
  followCommits(client);
  const ends: JobView[] = [];
  render(
    <QueryClientProvider client={client}>
      <Watch onEnd={(ended) => ends.push(ended)} />
    </QueryClientProvider>,
  );
  await screen.findByText("1");
  job = { ...running, done: 3 };
  // Commits of other things are none of its business.
  tell({ seq: 3, topics: ["contacts"] });
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(asked).toBe(1);
  tell({ seq: 0, topics: ["jobs"] });
  await screen.findByText("3");
  job = { ...running, done: 4, state: "done" };
  tell({ seq: 0, topics: ["jobs"] });
  await waitFor(() => expect(ends).toEqual([job]));
  tell({ seq: 0, topics: ["jobs"] });
  await waitFor(() => expect(asked).toBe(4));
  expect(ends).toHaveLength(1);
});
