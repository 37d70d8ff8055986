/** Rooms for tests: a program that answers from a table, and a page for parts of the screen. Not part of the program. */
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterContextProvider, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { type ReactElement, type ReactNode, useEffect, useState } from "react";
import { type Commands, followCommits, newQueryClient, type Req, type Res } from "./api/client";
import { ApiError, type Changes, type Host, setHost } from "./api/host";
import type { Topic } from "./api/words";
import { Toasts } from "./design/toast";
import { newRouter } from "./router";

export type Answers = { [K in keyof Commands]?: (args: Req<K>) => Res<K> | Promise<Res<K>> };

export interface Program {
  /** What was ordered and asked, in order. */
  asked: { name: string; args: unknown }[];
  /** How often a command was called. */
  times: (name: keyof Commands) => number;
  /** Tells the screens of a commit. */
  tell: (...topics: Topic[]) => void;
}

/** Puts a program behind the screens that knows these answers, and refuses everything else. */
export function answering(answers: Answers, rest: Partial<Host> = {}): Program {
  const listeners = new Set<(changes: Changes | "everything") => void>();
  const asked: Program["asked"] = [];
  const answer = async (name: string, args: unknown): Promise<unknown> => {
    asked.push({ name, args });
    const found = answers[name as keyof Commands] as ((args: unknown) => unknown) | undefined;
    if (found === undefined) throw new ApiError({ code: "not_found", message: `No answer to ${name}.` });
    return found(args);
  };
  setHost({
    kind: "fixture",
    query: answer,
    mutate: answer,
    onChanged: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    frameUrl: () => "about:blank",
    chooseFile: async () => null,
    chooseFolder: async () => null,
    chooseSave: async () => null,
    paste: async (_text, name) => ({ file: { upload: "pasted" }, name }),
    deliver: () => {},
    onFilesDropped: () => () => {},
    ...rest,
  });
  return {
    asked,
    times: (name) => asked.filter((one) => one.name === name).length,
    tell: (...topics) => {
      for (const listener of listeners) listener({ seq: 0, topics });
    },
  };
}

/** What every part of the screen stands on: answers that follow commits, addresses, notices. */
export function Ground({ children }: { children: ReactNode }) {
  const [client] = useState(newQueryClient);
  const [router] = useState(newRouter);
  useEffect(() => followCommits(client), [client]);
  return (
    <QueryClientProvider client={client}>
      <RouterContextProvider router={router}>{children}</RouterContextProvider>
      <Toasts />
    </QueryClientProvider>
  );
}

/** Shows a part of the screen on its ground. */
export const show = (part: ReactElement) => render(part, { wrapper: Ground });

/** Shows the whole program at an address, as the window does. */
export function showProgram(address: string) {
  window.location.hash = address;
  const client = newQueryClient();
  followCommits(client);
  return render(
    <QueryClientProvider client={client}>
      <RouterProvider router={newRouter()} />
      <Toasts />
    </QueryClientProvider>,
  );
}
