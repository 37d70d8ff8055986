import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

/** Ctrl+S saves what the screen shows, also out of a field. A screen without a save keeps the browser's own away. */
export function useSaveKey(save: (() => void) | null): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s" || inFront(event.target)) return;
      event.preventDefault();
      save?.();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [save]);
}

/** Where `G` and a letter lead. */
export const JUMPS = {
  h: "/home",
  j: "/journeys",
  m: "/campaigns",
  c: "/contacts",
  s: "/segments",
  p: "/scores",
  t: "/templates",
  a: "/analytics",
  o: "/outbox",
  r: "/replies",
} as const;

/** And in a sample, which alone has a mail world. */
const SAMPLE_JUMPS = { ...JUMPS, w: "/world" } as const;

/** How long after `G` a letter leads to a screen, in milliseconds. */
const JUMP_MS = 1200;

/** Whether the keys of a place write text, or choose in a list of the system's. */
export const typing = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("input, textarea, select, [contenteditable='true']") !== null;

/** Whether a place lies in front of the screen: a question, a menu, a list. Keys there are its own. */
export const inFront = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest("[role='dialog'], [role='alertdialog'], [role='menu'], [role='listbox']") !== null;

/**
 * Keys of every screen, as long as nobody is typing or asked something: `G` and a letter go to a screen, `/` to its
 * search, `?` tells the keys.
 */
export function useShellKeys(onHelp: () => void, sample: boolean): void {
  const navigate = useNavigate();
  useEffect(() => {
    let waiting = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || typing(event.target) || inFront(event.target)) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.toLowerCase();
      const search = key === "/" ? document.querySelector<HTMLElement>("main input[type='search']") : null;
      if (search) {
        event.preventDefault();
        return search.focus();
      }
      if (key === "?") {
        event.preventDefault();
        return onHelp();
      }
      if (key === "g") {
        waiting = Date.now();
        return;
      }
      const jumps: Partial<typeof SAMPLE_JUMPS> = sample ? SAMPLE_JUMPS : JUMPS;
      const to = jumps[key as keyof typeof SAMPLE_JUMPS];
      if (to !== undefined && Date.now() - waiting < JUMP_MS) {
        event.preventDefault();
        void navigate({ to });
      }
      waiting = 0;
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate, onHelp, sample]);
}

/** Letters that do something on one screen, as long as nobody is typing or asked something. After `G` a letter is a jump. */
export function useScreenKeys(keys: Readonly<Record<string, (() => void) | undefined>>): void {
  const jumping = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || typing(event.target) || inFront(event.target)) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.toLowerCase();
      const jumps = Date.now() - jumping.current < JUMP_MS;
      jumping.current = key === "g" ? Date.now() : 0;
      const act = keys[key];
      if (jumps || act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [keys]);
}
