import { act, renderHook, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { answering, Ground } from "@/testing";
import { pagesOf, usePages } from "./pages";

test("rows within one page ask for that page", () => {
  expect(pagesOf(0, 30)).toEqual([0]);
  expect(pagesOf(999_960, 1_000_000)).toEqual([9999]);
});

test("rows on both sides of a border ask for both pages", () => {
  expect(pagesOf(190, 210)).toEqual([1, 2]);
});

test("an empty range still asks for its page, so that the number of rows is known", () => {
  expect(pagesOf(0, 0)).toEqual([0]);
});

test("rows that come into sight draw nothing anew until another page is needed", async () => {
  const program = answering({ "outbox.page": () => ({ rows: [], total: 1_000 }) });
  let drawn = 0;
  const { result } = renderHook(
    () => {
      drawn += 1;
      return usePages("outbox.page", { states: [], journey: null, search: null });
    },
    { wrapper: Ground },
  );
  await waitFor(() => expect(result.current.total).toBe(1_000));
  const before = drawn;
  act(() => result.current.onRange(0, 30));
  act(() => result.current.onRange(1, 31));
  expect(drawn).toBe(before);
  act(() => result.current.onRange(90, 120));
  await waitFor(() => expect(program.asked.some(({ args }) => (args as { offset: number }).offset === 100)).toBe(true));
});

test("of the pages a dragged thumb passes, a few are asked for, and the last one surely", async () => {
  const offsets: number[] = [];
  answering({
    "outbox.page": (args) => {
      offsets.push((args as { offset: number }).offset);
      return { rows: [], total: 100_000 };
    },
  });
  const { result } = renderHook(() => usePages("outbox.page", { states: [], journey: null, search: null }), {
    wrapper: Ground,
  });
  await waitFor(() => expect(result.current.total).toBe(100_000));
  for (let page = 1; page <= 50; page++) act(() => result.current.onRange(page * 100, page * 100 + 30));
  await waitFor(() => expect(offsets.at(-1)).toBe(5_000));
  expect(offsets.slice(0, 2)).toEqual([0, 100]);
  expect(offsets.length).toBeLessThan(10);
});

test("a movement that ends where it began asks for nothing on its way", async () => {
  const program = answering({ "outbox.page": () => ({ rows: [], total: 100_000 }) });
  const { result } = renderHook(() => usePages("outbox.page", { states: [], journey: null, search: null }), {
    wrapper: Ground,
  });
  await waitFor(() => expect(result.current.total).toBe(100_000));
  act(() => result.current.onRange(100, 130));
  act(() => result.current.onRange(9_000, 9_030));
  act(() => result.current.onRange(100, 130));
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(program.times("outbox.page")).toBe(2);
});
