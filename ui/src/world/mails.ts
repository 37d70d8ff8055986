import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keyOf, query, useRead } from "@/api/client";
import type { WorldMailRow } from "@/api/gen/WorldMailRow";
import type { WorldMailsArgs } from "@/api/gen/WorldMailsArgs";
import { ApiError } from "@/api/host";

/** Mails asked for at once. The border lets 200 through. */
export const PAGE = 100;

export type MailFilter = Pick<WorldMailsArgs, "search" | "to" | "persona">;

export interface Mails {
  /** How many fit in all; undefined before the first answer. */
  found: number | undefined;
  /** How many can be looked at now. */
  rows: number;
  rowAt: (index: number) => WorldMailRow | undefined;
  /** Where a mail stands, or -1 where it is not at hand. */
  indexOf: (id: number) => number;
  /** Whether there are older ones. */
  more: boolean;
  loading: boolean;
  error: ApiError | null;
  refetch: () => void;
  loadMore: () => void;
  /** How many have come since the list was held; at most `PAGE`. */
  fresh: number;
  /** Lets nothing new move the list under the reader. */
  hold: () => void;
  /** Goes with the newest again. */
  follow: () => void;
  onRange: (first: number, end: number) => void;
}

/**
 * A list that grows at its head while one reads it. At the top it follows the newest; below, each page begins at a mail
 * that stays, so that nothing moves, and only the pages in sight are asked for again. `stamp` stands for whatever else
 * changes which mails fit.
 */
export function useMails(filter: MailFilter, stamp: string): Mails {
  const client = useQueryClient();
  const [range, setRange] = useState({ first: 0, end: 1 });
  // `before` of each page that is held; none while the list follows.
  const [held, setHeld] = useState<{ of: string; pages: number[] }>({ of: "", pages: [] });
  const of = JSON.stringify([filter, stamp]);
  const pages = held.of === of ? held.pages : [];
  const args = (before: number | null): WorldMailsArgs => ({ ...filter, before, limit: PAGE });
  const live = useRead("world.mails", args(null), { keep: true });
  const last = pages.length - 1;
  const wanted = pages.flatMap((_, page) => {
    const seen = page * PAGE < range.end && (page + 1) * PAGE > range.first;
    return seen || page === last ? [page] : [];
  });
  const results = useQueries({
    queries: wanted.map((page) => {
      const asked = args(pages[page] ?? null);
      return { queryKey: keyOf("world.mails", asked), queryFn: () => query("world.mails", asked) };
    }),
  });
  const at = new Map(wanted.map((page, n) => [page, results[n]]));
  const newest = live.data?.mails ?? [];
  const end = last < 0 ? live.data : at.get(last)?.data;
  const keep = (next: number[]) => setHeld({ of, pages: next });
  /** What is on the screen becomes the first page that is held, without asking again. */
  const first = (): number | undefined => {
    const top = newest[0];
    if (live.data === undefined || live.isPlaceholderData || top === undefined) return undefined;
    client.setQueryData(keyOf("world.mails", args(top.id + 1)), live.data);
    return top.id + 1;
  };
  const error: unknown = live.error ?? results.find((result) => result.error !== null)?.error ?? null;
  return {
    found: live.data?.found,
    rows: last < 0 ? newest.length : last * PAGE + (end?.mails.length ?? 0),
    rowAt: (index) => (last < 0 ? newest[index] : at.get(Math.floor(index / PAGE))?.data?.mails[index % PAGE]),
    indexOf: (id) => {
      if (last < 0) return newest.findIndex((mail) => mail.id === id);
      for (const [page, result] of at) {
        const place = result?.data?.mails.findIndex((mail) => mail.id === id) ?? -1;
        if (place >= 0) return page * PAGE + place;
      }
      return -1;
    },
    more: last >= 0 && end === undefined ? true : typeof end?.before === "number",
    loading: last < 0 ? live.isPending : at.get(last)?.isPending === true,
    error: error === null ? null : ApiError.of(error),
    refetch: () => void Promise.all([live.refetch(), ...results.map((result) => result.refetch())]),
    loadMore: () => {
      if (typeof end?.before !== "number" || live.isPlaceholderData) return;
      const begun = last < 0 ? first() : undefined;
      keep(begun === undefined ? [...pages, end.before] : [begun, end.before]);
    },
    fresh: last < 0 ? 0 : newest.filter((mail) => mail.id >= (pages[0] ?? 0)).length,
    hold: () => {
      const begun = last < 0 ? first() : undefined;
      if (begun !== undefined) keep([begun]);
    },
    follow: () => {
      if (last >= 0) keep([]);
    },
    onRange: (from, to) => {
      if (from !== range.first || to !== range.end) setRange({ first: from, end: to });
    },
  };
}
