import { useEffect } from "react";
import { inFront, typing } from "@/shell/keys";
import { goToProblem, leave, selectAll, undoOrRedo } from "../canvas/useCanvasKeys";
import { useDesignerStore } from "../state";
import type { Draft } from "../useDraft";

/** Keys that work all over the designer, wherever the keyboard is. Fields and what stands in front keep their own. */
export function useDesignerKeys(draft: Draft): void {
  const store = useDesignerStore();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (key === "f8") {
        event.preventDefault();
        return goToProblem(store);
      }
      if (command && key === "s") {
        event.preventDefault();
        return void draft.save();
      }
      if (event.defaultPrevented || typing(event.target) || inFront(event.target)) return;
      if (key === "?") {
        event.preventDefault();
        store.getState().show({ keysShown: true });
      } else if (key === "escape") {
        leave(store);
        store.getState().canvas?.focus();
      } else if (command && key === "a") {
        // Else the web view would mark every word of the screen. The other keys of what is marked work on the canvas.
        event.preventDefault();
        selectAll(store);
        store.getState().canvas?.focus();
      } else if (command && (key === "z" || key === "y")) {
        event.preventDefault();
        undoOrRedo(store, key === "y" || event.shiftKey);
      }
    };
    // Before the window's, where the keys of every screen are.
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [store, draft]);
}
