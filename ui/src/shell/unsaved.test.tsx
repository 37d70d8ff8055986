import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import { ApiError, setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { show, showProgram } from "@/testing";
import { LeaveQuestion, mayLeave, useUnsaved } from "./unsaved";

beforeEach(() => {
  localStorage.clear();
  setHost(fixtureHost("?fixture=some"));
});

async function write() {
  showProgram("/segments/new");
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "Regulars");
}

function Drawing({ save }: { save: () => Promise<boolean> }) {
  useUnsaved(true, save);
  return <LeaveQuestion />;
}

describe("a drawing that saves itself", () => {
  test("is saved before it is left, and nothing is asked", async () => {
    let saved = 0;
    show(
      <Drawing
        save={async () => {
          saved += 1;
          return true;
        }}
      />,
    );
    expect(await mayLeave()).toBe(true);
    expect(saved).toBe(1);
    expect(screen.queryByRole("alertdialog")).toBeNull();
  });

  test("is not left without a question where it could not be saved", async () => {
    show(<Drawing save={async () => false} />);
    const leaves = mayLeave();
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(await leaves).toBe(false);
    const again = mayLeave();
    await userEvent.click(await screen.findByRole("button", { name: "Leave without saving" }));
    expect(await again).toBe(true);
  });
});

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

  test("keeps it where the program does not answer for a while, says so, and goes on afterwards", async () => {
    const known = fixtureHost("?fixture=some");
    const listeners = new Set<(changes: "everything") => void>();
    let away = false;
    setHost({
      ...known,
      query: async (name, args) => {
        if (away) throw new ApiError({ code: "unreachable", message: "Nobody is there." });
        return known.query(name, args);
      },
      onChanged: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    });
    await write();
    away = true;
    for (const listener of listeners) listener("everything");
    expect(await screen.findByText("Nobody is there.")).toBeDefined();
    expect(screen.getByRole("textbox", { name: "Name" })).toHaveProperty("value", "Regulars");
    away = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText("Nobody is there.")).toBeNull());
    expect(screen.getByRole("textbox", { name: "Name" })).toHaveProperty("value", "Regulars");
  });

  test("lets go without a question once nothing is written in it any more", async () => {
    await write();
    await userEvent.clear(screen.getByRole("textbox", { name: "Name" }));
    await userEvent.click(screen.getByRole("link", { name: "Home" }));
    expect(await screen.findByRole("heading", { name: "Kaffeehaus Sample" })).toBeDefined();
    expect(screen.queryByRole("alertdialog")).toBeNull();
  });
});
