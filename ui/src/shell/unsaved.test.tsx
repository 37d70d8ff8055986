import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

beforeEach(() => {
  localStorage.clear();
  setHost(fixtureHost("?fixture=some"));
});

async function write() {
  showProgram("/segments/new");
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "Regulars");
}

describe("a screen with something that is not saved", () => {
  test("asks before another screen is shown, and stays where the answer is no", async () => {
    await write();
    await userEvent.click(screen.getByRole("link", { name: "Home" }));
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    expect(screen.getByRole("textbox", { name: "Name" })).toHaveProperty("value", "Regulars");
    await userEvent.click(screen.getByRole("link", { name: "Home" }));
    await userEvent.click(await screen.findByRole("button", { name: "Leave without saving" }));
    expect(await screen.findByRole("heading", { name: "Kaffeehaus Sample" })).toBeDefined();
  });

  test("asks before another workspace is opened, and nothing is opened where the answer is no", async () => {
    const opened: string[] = [];
    const known = fixtureHost("?fixture=some");
    setHost({
      ...known,
      mutate: async (name, args) => {
        opened.push(name);
        return known.mutate(name, args);
      },
    });
    await write();
    await userEvent.click(screen.getByRole("button", { name: /^Workspace/ }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Velo Verein Bonn" }));
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(opened).toEqual([]);
  });

  test("lets go without a question once nothing is written in it any more", async () => {
    await write();
    await userEvent.clear(screen.getByRole("textbox", { name: "Name" }));
    await userEvent.click(screen.getByRole("link", { name: "Home" }));
    expect(await screen.findByRole("heading", { name: "Kaffeehaus Sample" })).toBeDefined();
    expect(screen.queryByRole("alertdialog")).toBeNull();
  });
});
