import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

/** `G` and a letter go to a screen, as long as nobody is typing or asked something. */
export const JUMPS = {
  h: "/home",
  j: "/journeys",
  c: "/contacts",
  s: "/segments",
  t: "/templates",
  a: "/analytics",
  o: "/outbox",
} as const;

/** Whether the keys of a place write text, or choose in a list of the system's. */
export const typing = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("input, textarea, select, [contenteditable='true']") !== null;

/** Whether a place lies in front of the screen: a question, a menu, a list. Keys there are its own. */
export const inFront = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest("[role='dialog'], [role='alertdialog'], [role='menu'], [role='listbox']") !== null;

export function useJumpKeys(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let waiting = 0;
    const onKey = (event: KeyboardEvent) => {
      if (typing(event.target) || inFront(event.target)) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key === "g") {
        waiting = Date.now();
        return;
      }
      const to = JUMPS[key as keyof typeof JUMPS];
      if (to !== undefined && Date.now() - waiting < 1200) {
        event.preventDefault();
        void navigate({ to });
      }
      waiting = 0;
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate]);
}
