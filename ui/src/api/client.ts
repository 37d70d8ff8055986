// Typed questions and orders on top of the host. A screen never refreshes by hand: a commit names its topics,
// and whoever read them asks again.
import {
  keepPreviousData,
  QueryClient,
  type QueryKey,
  type UseMutationResult,
  type UseQueryOptions,
  type UseQueryResult,
  useMutation,
  useQuery,
} from "@tanstack/react-query";
import { type Commands as Generated, READS } from "./gen/Commands";
import { ApiError, type Changes, host } from "./host";
import type { Topic, WindowCommands } from "./words";

/** All that may be asked and ordered. */
export type Commands = Generated & WindowCommands;

export { ApiError } from "./host";

export type QueryName = { [K in keyof Commands]: Commands[K]["kind"] extends "query" ? K : never }[keyof Commands];
export type MutationName = Exclude<keyof Commands, QueryName>;
export type Req<K extends keyof Commands> = Commands[K]["req"];
export type Res<K extends keyof Commands> = Commands[K]["res"];

/** Asks once, past the cache. */
export async function query<K extends QueryName>(name: K, args: Req<K>): Promise<Res<K>> {
  return (await host().query(name, args)) as Res<K>;
}

/** Orders. The screens hear of the result by the commit's topics. */
export async function mutate<K extends MutationName>(name: K, args: Req<K>): Promise<Res<K>> {
  return (await host().mutate(name, args)) as Res<K>;
}

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: "always",
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        // Answers are stale when a commit says so, not after a time.
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 5 * 60_000,
        retry: (count, error) => ApiError.of(error).retry && count < 2,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}

/** The cache's key of a question. */
export function keyOf<K extends QueryName>(name: K, args: Req<K>): QueryKey {
  return [name, args];
}

type Options<K extends QueryName, T> = Pick<UseQueryOptions<Res<K>, ApiError, T>, "enabled" | "select" | "gcTime"> & {
  /** Keep showing the answer to the previous arguments until the new one is there. */
  keep?: boolean;
};

/** An answer that stays true: it is asked again when a commit touches what it reads. */
export function useRead<K extends QueryName, T = Res<K>>(
  name: K,
  args: Req<K>,
  { keep = false, ...options }: Options<K, T> = {},
): UseQueryResult<T, ApiError> {
  return useQuery<Res<K>, ApiError, T>({
    queryKey: keyOf(name, args),
    queryFn: () => query(name, args),
    ...(keep ? { placeholderData: keepPreviousData as never } : {}),
    ...options,
  });
}

/** An order with its state: pending, done, refused. */
export function useWrite<K extends MutationName>(
  name: K,
  options: { onSuccess?: (answer: Res<K>, args: Req<K>) => void; onError?: (error: ApiError) => void } = {},
): UseMutationResult<Res<K>, ApiError, Req<K>> {
  return useMutation<Res<K>, ApiError, Req<K>>({
    mutationKey: [name],
    mutationFn: (args) => mutate(name, args),
    ...(options.onSuccess === undefined ? {} : { onSuccess: options.onSuccess }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
  });
}

/** Marks every question as stale that reads one of the topics. */
export function invalidate(client: QueryClient, topics: ReadonlySet<Topic> | "everything"): void {
  const predicate = ({ queryKey }: { queryKey: QueryKey }) => {
    if (topics === "everything") return true;
    const name = String(queryKey[0]);
    if (name.startsWith("jobs.")) return topics.has("jobs");
    return READS[name]?.some((topic) => (topics as ReadonlySet<string>).has(topic)) ?? false;
  };
  // The first answer to a question may be on its way already, and tell of before the commit: it is asked again once it is
  // here. An answer that is asked again while an older one is shown is given up by the library itself.
  const first = client.getQueryCache().findAll({ predicate, fetchStatus: "fetching" });
  for (const asked of first.filter(({ state }) => state.data === undefined)) {
    const again = () => void client.invalidateQueries({ queryKey: asked.queryKey, exact: true });
    asked.fetch().then(again, again);
  }
  void client.invalidateQueries({ predicate });
}

/** Commits come by the thousand while a journey runs; the screen follows ten times a second. */
export const COALESCE_MS = 100;

/** Keeps the cache true from now on. Returns how to stop. */
export function followCommits(client: QueryClient): () => void {
  let pending: Set<Topic> | "everything" | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = () => {
    timer = null;
    if (pending !== null) invalidate(client, pending);
    pending = null;
  };
  const stop = host().onChanged((changes: Changes | "everything") => {
    if (changes === "everything" || pending === "everything" || changes.topics.includes("everything")) {
      pending = "everything";
    }
    if (changes !== "everything" && pending !== "everything")
      pending = new Set([...(pending ?? []), ...changes.topics]);
    timer ??= setTimeout(flush, COALESCE_MS);
  });
  return () => {
    stop();
    if (timer !== null) clearTimeout(timer);
  };
}
