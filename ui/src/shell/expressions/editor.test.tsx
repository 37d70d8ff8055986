import { EditorView } from "@codemirror/view";
import { screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { beforeAll, expect, test, vi } from "vitest";
import { answering, show } from "@/testing";
import { ExpressionEditor } from "./editor";

const program = () =>
  answering({
    "fields.list": () => [{ key: "city", label: "City", type: "text", options: [], built_in: true }],
    "vocabulary.list": () => ({
      events: [{ name: "order", count: 2, props: ["amount"] }],
      tags: [{ tag: "vip", count: 3 }],
      steps: [],
    }),
    "segments.list": () => [],
    "templates.list": () => [],
    "journeys.list": () => [],
  });

function Form({ start, where }: { start: string; where?: string }) {
  const [value, setValue] = useState(start);
  return (
    <>
      <ExpressionEditor label="Who" value={value} onChange={setValue} {...(where === undefined ? {} : { where })} />
      <output>{value}</output>
    </>
  );
}

/** The editor, once the words of the workspace are there. */
async function opened(asked: { name: string }[]): Promise<EditorView> {
  const content = await screen.findByRole("textbox", { name: "Who" });
  await waitFor(() => expect(asked.map(({ name }) => name)).toContain("templates.list"));
  const view = EditorView.findFromDOM(content);
  if (view === null) throw new Error("no editor");
  view.focus();
  return view;
}

// Browsers tell of a changed selection when the change is over; this page does it in the middle.
beforeAll(() => window.addEventListener("selectionchange", (event) => event.stopImmediatePropagation(), true));

/** Types as a keyboard does. */
function type(view: EditorView, text: string): void {
  const { head } = view.state.selection.main;
  view.dispatch({
    changes: { from: head, insert: text },
    selection: { anchor: head + text.length },
    userEvent: "input.type",
  });
}

function press(view: EditorView, key: string, more: KeyboardEventInit = {}): void {
  view.contentDOM.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}

const list = () => screen.queryByRole("listbox", { name: "What can stand here" });
const options = () =>
  screen.queryAllByRole("option").map((option) => option.querySelector(".cm-completionLabel")?.textContent);

/** The list does not take keys that were pressed before anybody could see it. */
const seen = async () => {
  await waitFor(() => expect(list()).not.toBeNull());
  await new Promise((resolve) => setTimeout(resolve, 100));
};

test("what is typed opens the list, Enter takes the first, and the text tells what is in it", async () => {
  const { asked } = program();
  show(<Form start="" />);
  const view = await opened(asked);
  type(view, "tag v");
  await seen();
  expect(options()).toEqual(["vip"]);
  expect(view.contentDOM.getAttribute("aria-controls")).toBe(list()?.id);
  press(view, "Enter");
  expect(view.state.doc.toString()).toBe('tag "vip"');
  await waitFor(() => expect(screen.getByText('tag "vip"', { selector: "output" })).toBeTruthy());
  expect(list()).toBeNull();
});

test("Enter behind a whole word is a new line, and Ctrl+Space opens the list there", async () => {
  const { asked } = program();
  show(<Form start="everyone" />);
  const view = await opened(asked);
  view.dispatch({ selection: { anchor: 8 } });
  type(view, " and");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(list()).toBeNull();
  press(view, "Enter");
  expect(view.state.doc.toString()).toBe("everyone and\n");
  press(view, " ", { ctrlKey: true, code: "Space", keyCode: 32 });
  await seen();
  expect(options()[0]).toBe("city");
});

test("Escape closes the list and nothing around it; the next one goes on", async () => {
  const { asked } = program();
  const around = vi.fn();
  document.addEventListener("keydown", around);
  show(<Form start="" />);
  const view = await opened(asked);
  type(view, "ci");
  await seen();
  press(view, "Escape");
  expect(list()).toBeNull();
  expect(around).not.toHaveBeenCalled();
  press(view, "Escape");
  expect(around).toHaveBeenCalledOnce();
  document.removeEventListener("keydown", around);
});

test("Tab takes what is marked in the list, opens the next one, and leaves the editor when there is none", async () => {
  const { asked } = program();
  show(<Form start="" />);
  const view = await opened(asked);
  type(view, "ci");
  await seen();
  press(view, "Tab");
  expect(view.state.doc.toString()).toBe("city ");
  await seen();
  expect(options()[0]).toBe('is "…"');
  press(view, "Tab");
  expect(view.state.doc.toString()).toBe('city is ""');
  expect(view.state.selection.main.head).toBe(9);
  const tab = new KeyboardEvent("keydown", { key: "Tab", bubbles: true, cancelable: true });
  view.contentDOM.dispatchEvent(tab);
  expect(tab.defaultPrevented).toBe(false);
});

test("tests of an event's properties are completed with its properties", async () => {
  const { asked } = program();
  show(<Form start="" where="order" />);
  const view = await opened(asked);
  press(view, " ", { ctrlKey: true, code: "Space", keyCode: 32 });
  await seen();
  expect(options()).toEqual(["amount"]);
});

test("no more is taken than may be written", async () => {
  const { asked } = program();
  const changed = vi.fn();
  show(<ExpressionEditor label="Who" value="everyone" maxLength={10} onChange={changed} />);
  const view = await opened(asked);
  type(view, " or everyone");
  expect(view.state.doc.toString()).toBe("everyone");
  expect(changed).not.toHaveBeenCalled();
});
