import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import type { WorkspaceInfo } from "@/api/gen/WorkspaceInfo";
import { type Host, setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { sayError } from "@/design";
import { showProgram } from "@/testing";
import { workspaceName } from "./name";

const VELO = "/home/ada/clients/velo.carillon";

/** The screens' own answers, with workspaces that open when they are told to. */
function program({ begin = "some", name = "Kaffeehaus Sample" }: { begin?: "some" | "none"; name?: string } = {}) {
  const known = fixtureHost(`?fixture=${begin}`);
  let current: WorkspaceInfo | null = null;
  let opened: () => void = () => {};
  let opens = 0;
  const query = async (command: string, args: unknown) => {
    // The other workspace has segments of its own, which take their time.
    if (current !== null && command === "segments.list") return new Promise(() => {});
    if (command !== "workspaces.current") return known.query(command, args);
    if (current !== null) return current;
    const info = (await known.query(command, args)) as WorkspaceInfo | null;
    return info && { ...info, workspace: { ...info.workspace, name } };
  };
  setHost({
    ...known,
    query,
    mutate: async (command, args) => {
      if (command !== "workspaces.open") return known.mutate(command, args);
      opens += 1;
      await new Promise<void>((resolve) => {
        opened = resolve;
      });
      const sample = (await fixtureHost("?fixture=some").query("workspaces.current", {})) as WorkspaceInfo;
      current = { ...sample, file: VELO, workspace: { ...sample.workspace, name: "Velo Verein Bonn", sample: false } };
      return current;
    },
  } satisfies Host);
  return { finish: () => act(async () => opened()), opens: () => opens };
}

beforeEach(() => localStorage.clear());

const head = () => screen.findByRole("button", { name: /^Workspace/ });
const switchTo = async (name: string) => {
  await userEvent.click(await head());
  await userEvent.click(await screen.findByRole("menuitem", { name }));
};

describe("another workspace", () => {
  test("takes what was said of the one before off the screen", async () => {
    const { finish } = program();
    showProgram("/home");
    await head();
    act(() => sayError(new Error("Kim's address was refused.")));
    expect(await screen.findAllByText("Kim's address was refused.")).not.toHaveLength(0);
    await switchTo("Velo Verein Bonn");
    await finish();
    await waitFor(async () => expect((await head()).textContent).toContain("Velo Verein Bonn"));
    await waitFor(() => expect(screen.queryAllByText("Kim's address was refused.")).toHaveLength(0));
  });

  test("that opens slowly says so, takes no second order, and can be used afterwards", async () => {
    const { finish, opens } = program({ begin: "none" });
    showProgram("/home");
    await userEvent.click(await screen.findByRole("button", { name: /^Velo Verein Bonn/ }));
    const waiting = await screen.findByRole("alertdialog", { name: "Opening velo" });
    expect(within(waiting).getByRole("progressbar")).toBeDefined();
    // Nothing behind it can be pressed: neither the list nor a second workspace.
    expect(screen.queryByRole("button", { name: /Bohne/ })).toBeNull();
    await finish();
    expect((await head()).textContent).toContain("Velo Verein Bonn");
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    await userEvent.click(screen.getByRole("link", { name: "Segments" }));
    expect(await screen.findByRole("heading", { name: "Segments" })).toBeDefined();
    expect(opens()).toBe(1);
  });

  test("shows nothing that was read of the one before, not for a moment", async () => {
    const { finish } = program();
    showProgram("/segments");
    await screen.findByText("Bought twice");
    await switchTo("Velo Verein Bonn");
    const seen: boolean[] = [];
    const watch = new MutationObserver(() => seen.push(screen.queryByText("Bought twice") !== null));
    await finish();
    await screen.findByRole("heading", { name: "Velo Verein Bonn" });
    watch.observe(document.body, { childList: true, subtree: true });
    await userEvent.click(await screen.findByRole("link", { name: "Segments" }));
    await screen.findByRole("heading", { name: "Segments" });
    watch.disconnect();
    expect(seen).not.toContain(true);
  });
});

describe("a workspace without a name", () => {
  test("is called as its file, on every system", () => {
    expect(workspaceName({ name: " ", file: "/home/ada/bohne.carillon" })).toBe("bohne");
    expect(workspaceName({ name: "", file: "C:\\Users\\Ada\\Velo Verein.CARILLON" })).toBe("Velo Verein");
    expect(workspaceName({ name: "", file: "/home/ada/.carillon" })).toBe("/home/ada/.carillon");
    expect(workspaceName({ name: "Bohne", file: "/home/ada/x.carillon" })).toBe("Bohne");
  });

  test("shows its file's name in the head, on Home and in the window's title", async () => {
    program({ name: "" });
    showProgram("/home");
    expect((await head()).textContent).toContain("Bbohne");
    expect(await screen.findByRole("heading", { name: "bohne" })).toBeDefined();
    expect(document.title).toMatch(/^bohne · /);
  });
});
