// What is written on a screen and not in the file yet. Whoever leads away from it asks first: a way to another
// screen by itself, a way to another workspace by `mayLeave`.
import { useBlocker } from "@tanstack/react-router";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { Confirm } from "@/design";
import { t } from "@/i18n";

interface Work {
  changed: boolean;
  /** Saves what can save itself; true when nothing would be lost now. */
  save?: (() => Promise<boolean>) | undefined;
}

const works = new Set<{ current: Work }>();
let asking: ((leave: boolean) => void) | null = null;
const listeners = new Set<() => void>();

/** Answers the question that stands, and puts the next one where there is one. */
function answer(leave: boolean, next: typeof asking = null): void {
  asking?.(leave);
  asking = next;
  for (const listener of listeners) listener();
}

/** Whether the screens can be left: saves what saves itself, and asks where something would be lost. */
export async function mayLeave(): Promise<boolean> {
  let lost = false;
  for (const { current } of works) {
    if (current.changed && !((await current.save?.()) ?? false)) lost = true;
  }
  return lost ? new Promise((resolve) => answer(false, resolve)) : true;
}

/** Keeps the work of a screen from being left by mistake. A way taken after a save says `ignoreBlocker`. */
export function useUnsaved(changed: boolean, save?: () => Promise<boolean>): void {
  const work = useRef<Work>({ changed, save });
  useEffect(() => {
    work.current = { changed, save };
  }, [changed, save]);
  useEffect(() => {
    works.add(work);
    return () => void works.delete(work);
  }, []);
  useBlocker({
    shouldBlockFn: async ({ current, next }) =>
      (current.pathname !== next.pathname || JSON.stringify(current.search) !== JSON.stringify(next.search)) &&
      !(await mayLeave()),
    enableBeforeUnload: () => work.current.changed,
    disabled: !changed,
  });
}

/** The question before something is lost; once in the shell. */
export function LeaveQuestion() {
  const open = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => asking !== null,
  );
  return (
    <Confirm
      open={open}
      onClose={() => answer(false)}
      onConfirm={() => answer(true)}
      title={t("shell.unsaved.title")}
      about={t("shell.unsaved.about")}
      action={t("shell.unsaved.leave")}
    />
  );
}
