import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

/** `G` and a letter go to a screen, as long as nobody is typing. */
export const JUMPS = {
  h: "/home",
  j: "/journeys",
  c: "/contacts",
  s: "/segments",
  t: "/templates",
  a: "/analytics",
  o: "/outbox",
} as const;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

export function useJumpKeys(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let waiting = 0;
    const onKey = (event: KeyboardEvent) => {
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
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
