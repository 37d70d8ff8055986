/** Keeps a draft safe: saves it a moment after each change, checks it, and notices when somebody else saved it. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { keyOf, mutate, query } from "@/api/client";
import type { Journey } from "@/api/gen/Journey";
import type { JourneyView } from "@/api/gen/JourneyView";
import { ApiError } from "@/api/host";
import { sayError } from "@/design";
import type { DesignerStore } from "./state";

export type SaveState =
  | { is: "saved" }
  | { is: "waiting" }
  | { is: "saving" }
  | { is: "failed"; error: ApiError }
  | { is: "conflict" };

const PAUSE_MS = 600;

export type Draft = {
  state: SaveState;
  revision: number;
  checking: boolean;
  /** Saves now; true when the file has what the canvas shows. */
  save: () => Promise<boolean>;
  /** After a conflict: what the file has, or what the canvas shows. */
  resolve: (keep: "mine" | "theirs") => Promise<void>;
};

export function useDraft(store: DesignerStore, opened: JourneyView): Draft {
  const client = useQueryClient();
  const [state, setState] = useState<SaveState>({ is: "saved" });
  const [revision, setRevision] = useState(opened.revision);
  const [checking, setChecking] = useState(false);
  const saved = useRef<{ doc: Journey; revision: number }>({ doc: opened.document, revision: opened.revision });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const busy = useRef<Promise<boolean> | null>(null);
  const id = opened.id;

  const accept = useCallback((doc: Journey, next: number) => {
    saved.current = { doc, revision: next };
    setRevision(next);
  }, []);

  const run = useCallback(async (): Promise<boolean> => {
    const { doc } = store.getState().drawing;
    if (doc === saved.current.doc) {
      setState({ is: "saved" });
      return true;
    }
    setState({ is: "saving" });
    try {
      const answer = await mutate("journeys.save", { id, document: doc, revision: saved.current.revision });
      accept(doc, answer.revision);
      const still = store.getState().drawing.doc === doc;
      if (still) store.getState().show({ problems: answer.problems });
      setState({ is: still ? "saved" : "waiting" });
      return still;
    } catch (thrown) {
      const error = ApiError.of(thrown);
      setState(error.code === "stale" ? { is: "conflict" } : { is: "failed", error });
      return false;
    }
  }, [store, id, accept]);

  const save = useCallback(async (): Promise<boolean> => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
    // One save at a time, also of several that waited for the same one: the second would carry a revision that the
    // first has just replaced.
    while (busy.current) await busy.current;
    busy.current = run();
    const done = await busy.current;
    busy.current = null;
    return done;
  }, [run]);

  useEffect(() => {
    let doc = store.getState().drawing.doc;
    const stop = store.subscribe((now) => {
      if (now.drawing.doc === doc) return;
      doc = now.drawing.doc;
      setState((before) => (before.is === "conflict" ? before : { is: "waiting" }));
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = setTimeout(() => void save(), PAUSE_MS);
    });
    return () => {
      stop();
      // Leaving the screen is no reason to lose the last half second.
      if (timer.current !== null) void save();
    };
  }, [store, save]);

  useEffect(() => {
    // Problems are asked for sooner than the save, so that the canvas answers while one draws.
    let wait: ReturnType<typeof setTimeout> | null = null;
    let asked = 0;
    let doc = store.getState().drawing.doc;
    const stop = store.subscribe((now) => {
      if (now.drawing.doc === doc) return;
      doc = now.drawing.doc;
      if (wait !== null) clearTimeout(wait);
      wait = setTimeout(async () => {
        asked += 1;
        const mine = asked;
        setChecking(true);
        try {
          const problems = await query("journeys.check", { document: doc });
          if (mine === asked && store.getState().drawing.doc === doc) store.getState().show({ problems });
        } catch {
          // The save reports what is wrong with the connection; the old problems stay in sight.
        } finally {
          if (mine === asked) setChecking(false);
        }
      }, 200);
    });
    return () => {
      stop();
      if (wait !== null) clearTimeout(wait);
    };
  }, [store]);

  useEffect(() => {
    let past = false;
    const look = async () => {
      // What is told of while a save is under way may be that save.
      while (busy.current) await busy.current;
      // A commit of somebody else: the fresh view has a revision we did not write.
      if (past || opened.revision <= saved.current.revision) return;
      if (store.getState().drawing.doc === saved.current.doc) {
        accept(opened.document, opened.revision);
        store.getState().replace(opened.document);
        store.getState().show({ problems: opened.problems });
      } else setState({ is: "conflict" });
    };
    void look();
    return () => {
      past = true;
    };
  }, [opened, store, accept]);

  const resolve = useCallback(
    async (keep: "mine" | "theirs") => {
      let fresh: JourneyView;
      try {
        fresh = await query("journeys.get", { id });
      } catch (thrown) {
        // The choice stays open.
        return sayError(thrown);
      }
      client.setQueryData(keyOf("journeys.get", { id }), fresh);
      if (keep === "theirs") {
        accept(fresh.document, fresh.revision);
        store.getState().replace(fresh.document);
        store.getState().show({ problems: fresh.problems });
        setState({ is: "saved" });
        return;
      }
      saved.current = { doc: fresh.document, revision: fresh.revision };
      await save();
    },
    [store, client, id, accept, save],
  );

  return { state, revision, checking, save, resolve };
}
