import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";
import { TextInput } from "./fields";
import { Dialog } from "./overlay";

function ask(state: { disabled?: boolean; busy?: boolean } = {}) {
  const heard: string[] = [];
  render(
    <form onSubmit={() => heard.push("around")}>
      <Dialog
        open
        title="A field"
        onClose={() => heard.push("closed")}
        submit={{ label: "Add", run: () => heard.push("added"), ...state }}
      >
        <TextInput aria-label="Name" type="email" defaultValue="no address" />
      </Dialog>
    </form>,
  );
  return heard;
}

const field = () => screen.findByRole("textbox", { name: "Name" });

describe("a dialog with a form", () => {
  test("is answered by Enter in a field, and nobody around it hears of it", async () => {
    const heard = ask();
    await userEvent.type(await field(), "{Enter}");
    expect(heard).toEqual(["added"]);
  });

  test("begins at its first field", async () => {
    ask();
    await waitFor(async () => expect(document.activeElement).toBe(await field()));
  });

  test("is closed by one Escape, also while its close button has the keyboard", async () => {
    const heard = ask();
    const close = await screen.findByRole("button", { name: "Close" });
    await userEvent.hover(close);
    close.focus();
    await new Promise((resolve) => setTimeout(resolve, 700));
    await userEvent.keyboard("{Escape}");
    expect(heard).toEqual(["closed"]);
  });

  test("is answered by its last button, and closed by the one before", async () => {
    const heard = ask();
    await userEvent.click(await screen.findByRole("button", { name: "Add" }));
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(heard).toEqual(["added", "closed"]);
  });

  test.each([{ busy: true }, { disabled: true }])(
    "takes no answer while it is %o, however it is given",
    async (state) => {
      const heard = ask(state);
      await userEvent.type(await field(), "{Enter}");
      fireEvent.submit((await field()).closest("form") as HTMLFormElement);
      await userEvent.click(screen.getByRole("button", { name: "Add" }));
      expect(heard).toEqual([]);
    },
  );
});
