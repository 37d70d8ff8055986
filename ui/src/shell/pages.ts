import { useQueries } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { keyOf, type QueryName, query, type Req, type Res } from "@/api/client";
import type { Page } from "@/api/gen/Page";
import { ApiError } from "@/api/host";

/** Rows asked for at once. The border lets 200 through. */
export const PAGE = 100;
/** Least milliseconds between two choices of pages: a thumb that is dragged passes hundreds a second, and nobody reads them. */
const APART = 100;
/** A page out of sight is asked for anew after so many milliseconds: a long way through a list leaves many behind. */
const KEPT = 30_000;

type Paged = {
  [K in QueryName]: Res<K> extends Page<unknown>
    ? Req<K> extends { offset: number; limit: number }
      ? K
      : never
    : never;
}[QueryName];
type RowOf<K extends Paged> = Res<K> extends Page<infer T> ? T : never;

/** Numbers of the pages that hold the rows from `first` to before `end`. */
export function pagesOf(first: number, end: number, size = PAGE): number[] {
  const pages: number[] = [];
  for (let page = Math.floor(first / size); page * size < Math.max(end, first + 1); page++) pages.push(page);
  return pages;
}

/** A long list by pages, of which only those in sight are asked for. */
export function usePages<K extends Paged>(name: K, args: Omit<Req<K>, "offset" | "limit">, enabled = true) {
  const [wanted, setWanted] = useState<readonly number[]>([0]);
  const choice = useRef<{ at: number; timer?: ReturnType<typeof setTimeout> }>({ at: Number.NEGATIVE_INFINITY });
  useEffect(() => () => clearTimeout(choice.current.timer), []);
  const asked = wanted.includes(0) ? wanted : [0, ...wanted];
  const results = useQueries({
    queries: asked.map((page) => {
      const full = { ...args, offset: page * PAGE, limit: PAGE } as Req<K>;
      return { queryKey: keyOf(name, full), queryFn: () => query(name, full), enabled, gcTime: KEPT };
    }),
  });
  const pages = new Map<number, RowOf<K>[]>();
  let total: number | undefined;
  let error: unknown = null;
  for (const [at, page] of asked.entries()) {
    const result = results[at];
    const data = result?.data as Page<RowOf<K>> | undefined;
    if (data !== undefined) {
      pages.set(page, data.rows);
      total = data.total;
    }
    error ??= result?.error ?? null;
  }
  // The old number stays until the new one is there: a list that empties and fills again flickers.
  const [known, setKnown] = useState<number | undefined>(undefined);
  if (total !== undefined && total !== known) setKnown(total);
  return {
    total: total ?? known,
    error: error === null ? null : ApiError.of(error),
    rowAt: (index: number): RowOf<K> | undefined => pages.get(Math.floor(index / PAGE))?.[index % PAGE],
    // Most rows that come into sight are of a page that is there: then nothing is drawn anew.
    onRange: (first: number, end: number) => {
      clearTimeout(choice.current.timer);
      const next = pagesOf(first, end);
      if (next.join() === wanted.join()) return;
      const choose = () => {
        choice.current.at = performance.now();
        setWanted(next);
      };
      const rest = choice.current.at + APART - performance.now();
      if (rest <= 0) choose();
      else choice.current.timer = setTimeout(choose, rest);
    },
    refetch: () => void Promise.all(results.map((result) => result.refetch())),
  };
}
