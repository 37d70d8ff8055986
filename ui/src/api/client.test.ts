import { QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { COALESCE_MS, followCommits, keyOf, newQueryClient } from "./client";
import { ApiError, type Changes, type Host, HttpHost, setHost, takeToken } from "./host";

let tell: (changes: Changes | "everything") => void = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  setHost({
    onChanged: (callback: (changes: Changes | "everything") => void) => {
      tell = callback;
      return () => {};
    },
  } as Host);
});
afterEach(() => vi.useRealTimers());

function watched() {
  const client = newQueryClient();
  followCommits(client);
  const fields = keyOf("fields.list", {});
  const clock = keyOf("clock.get", {});
  client.setQueryData(fields, []);
  client.setQueryData(clock, {});
  const stale = (key: readonly unknown[]) => client.getQueryState(key)?.isInvalidated;
  return { stale, fields, clock, client };
}

test("a commit makes stale what reads its topics, and nothing else", () => {
  const { stale, fields, clock } = watched();
  tell({ seq: 1, topics: ["fields"] });
  vi.advanceTimersByTime(COALESCE_MS);
  expect(stale(fields)).toBe(true);
  expect(stale(clock)).toBe(false);
});

test("a thousand commits within a tenth of a second ask once", () => {
  const { client } = watched();
  const asked = vi.spyOn(client, "invalidateQueries");
  for (let seq = 0; seq < 1000; seq++) tell({ seq, topics: ["contacts"] });
  vi.advanceTimersByTime(COALESCE_MS);
  expect(asked).toHaveBeenCalledTimes(1);
});

test("after a broken connection everything is asked again", () => {
  const { stale, fields, clock } = watched();
  tell("everything");
  tell({ seq: 2, topics: ["fields"] });
  vi.advanceTimersByTime(COALESCE_MS);
  expect([stale(fields), stale(clock)]).toEqual([true, true]);
});

test("what was committed while a first answer was on its way is asked for", async () => {
  const { client } = watched();
  const job = keyOf("jobs.get", { id: 1 });
  const answers: ((state: string) => void)[] = [];
  const ask = () => new Promise<string>((answer) => void answers.push(answer));
  const shown = new QueryObserver<string>(client, { queryKey: job, queryFn: ask });
  const stop = shown.subscribe(() => {});
  tell({ seq: 1, topics: ["jobs"] });
  await vi.advanceTimersByTimeAsync(COALESCE_MS);
  answers[0]?.("running");
  await vi.advanceTimersByTimeAsync(0);
  answers[1]?.("done");
  await vi.advanceTimersByTimeAsync(0);
  expect(shown.getCurrentResult().data).toBe("done");
  expect(answers).toHaveLength(2);
  stop();
});

test("the token leaves the address and stays for the session", () => {
  const location = { hash: "#token=a1-B_2", pathname: "/", search: "" } as Location;
  const replaced: unknown[] = [];
  const history = {
    replaceState: (_: unknown, __: string, url: string) => void replaced.push(url),
  } as unknown as History;
  sessionStorage.clear();
  expect(takeToken(location, history, sessionStorage)).toBe("a1-B_2");
  expect(replaced).toEqual(["/"]);
  expect(takeToken({ ...location, hash: "#/contacts" }, history, sessionStorage)).toBe("a1-B_2");
});

test("a refusal over HTTP keeps its code, its sentence and its fields", async () => {
  const refusal = { code: "invalid", message: "Give it a name.", fields: { name: "Give it a name." } };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(refusal), { status: 422 }));
  const thrown = await new HttpHost("t").mutate("segments.save", {}).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(ApiError);
  expect(thrown).toMatchObject(refusal);
});

test("a program that does not answer is an error that may be tried again", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("refused");
  });
  await expect(new HttpHost("t").query("clock.get", {})).rejects.toMatchObject({ code: "unreachable", retry: true });
});

test("the token goes in a header and never in the address of a command", async () => {
  const calls: [string, RequestInit][] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    calls.push([url, init]);
    return new Response("null");
  });
  await new HttpHost("secret").query("clock.get", {});
  expect(calls[0]?.[0]).not.toContain("secret");
  expect(calls[0]?.[1].headers).toMatchObject({ authorization: "Bearer secret" });
});
