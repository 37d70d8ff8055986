import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import { catalogueOf } from "../catalogue";
import { FACES } from "../fixture.catalogue";
import { createDesigner, DesignerContext, type DesignerStore } from "../state";
import { drawingOf } from "../testing";
import type { Draft } from "../useDraft";
import { useDesignerKeys } from "./useDesignerKeys";

let store: DesignerStore;
const draft = { save: async () => true } as unknown as Draft;

function Room() {
  useDesignerKeys(draft);
  return (
    <>
      <button type="button">elsewhere</button>
      <input aria-label="field" />
      <div role="menu">
        <button type="button">entry</button>
      </div>
      <div
        ref={(canvas) => store.getState().show({ canvas: canvas && { ...CONTROL, focus: () => canvas.focus() } })}
        tabIndex={-1}
        data-testid="canvas"
      />
    </>
  );
}

const CONTROL = {
  fit: () => {},
  fitSteps: () => {},
  reveal: () => {},
  zoomTo: () => {},
  zoomBy: () => {},
  toCanvas: (point: { x: number; y: number }) => point,
  places: () => new Map(),
};

const marked = () => store.getState().drawing.selection;

beforeEach(() => {
  store = createDesigner(1, drawingOf("s1:entry_segment next=s2; s2:wait next=s3; s3:exit"), catalogueOf(FACES), []);
  render(
    <DesignerContext value={store}>
      <Room />
    </DesignerContext>,
  );
});

describe("the keys of the designer, wherever the keyboard is", () => {
  test("Ctrl+A marks every step and brings the keyboard to the canvas, where the other keys act on them", async () => {
    await userEvent.click(screen.getByRole("button", { name: "elsewhere" }));
    await userEvent.keyboard("{Control>}a{/Control}");
    expect(marked()).toEqual(["s1", "s2", "s3"]);
    expect(document.activeElement).toBe(screen.getByTestId("canvas"));
  });

  test("Escape lets go of what Ctrl+A marked, although the canvas has not the keyboard", async () => {
    await userEvent.keyboard("{Control>}a{/Control}");
    screen.getByRole("button", { name: "elsewhere" }).focus();
    await userEvent.keyboard("{Escape}");
    expect(marked()).toEqual([]);
  });

  test("Escape ends an arrow that is being drawn before it lets go of what is marked", async () => {
    store.getState().select(["s2"]);
    store.getState().show({ connecting: { step: "s2", port: "next" } });
    await userEvent.keyboard("{Escape}");
    expect(store.getState().connecting).toBeNull();
    expect(marked()).toEqual(["s2"]);
    await userEvent.keyboard("{Escape}");
    expect(marked()).toEqual([]);
  });

  test("a field and a menu keep Escape, Ctrl+A and Ctrl+Z for themselves", async () => {
    store.getState().perform({ op: "rename", step: "s2", name: "Rest" });
    store.getState().select(["s2"]);
    for (const place of [screen.getByRole("textbox"), screen.getByRole("button", { name: "entry" })]) {
      place.focus();
      await userEvent.keyboard("{Control>}az{/Control}{Escape}");
      expect(marked()).toEqual(["s2"]);
      expect(store.getState().drawing.doc.steps[1]?.name).toBe("Rest");
    }
  });
});
