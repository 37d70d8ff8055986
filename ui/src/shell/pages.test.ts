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
