import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import { ApiError, setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

const { keyboard } = userEvent;

beforeEach(() => {
  localStorage.clear();
  // No frame of a page is loaded in tests.
  setHost({ ...fixtureHost("?fixture=some"), frameUrl: () => "about:blank" });
});

const grid = () => screen.findByRole("grid", { name: "Contacts" });

describe("the keys of every screen", () => {
  test("lead to a screen, to its search, and tell themselves", async () => {
    showProgram("/home");
    await screen.findByRole("heading", { name: "Kaffeehaus Sample" });
    await keyboard("gc");
    await grid();
    await keyboard("/");
    expect(document.activeElement).toBe(screen.getByRole("searchbox"));
    (document.activeElement as HTMLElement).blur();
    await keyboard("?");
    expect(await screen.findByRole("dialog", { name: "Keys" })).toBeDefined();
  });

  test("are left alone in a menu and in a question", async () => {
    showProgram("/home");
    await userEvent.click(await screen.findByRole("button", { name: /^Workspace/ }));
    await screen.findByRole("menuitem", { name: "Velo Verein Bonn" });
    await keyboard("gc?");
    expect(screen.queryByRole("dialog")).toBeNull();
    await keyboard("{Escape}");
    await userEvent.click(await screen.findByRole("button", { name: "Keys" }));
    await screen.findByRole("dialog", { name: "Keys" });
    await keyboard("gc/");
    expect(window.location.hash).toBe("#/home");
    expect(screen.getByRole("dialog", { name: "Keys" })).toBeDefined();
  });

  test("select everybody in a table, and nobody", async () => {
    showProgram("/contacts");
    (await grid()).focus();
    await keyboard("{Control>}a{/Control}");
    expect(await screen.findByText("5,000 contacts selected")).toBeDefined();
    await keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("toolbar")).toBeNull());
  });

  test("close the message that is open beside the outbox, and the table has the keyboard again", async () => {
    showProgram("/outbox?message=3");
    await screen.findByRole("complementary", { name: "Message" });
    (await screen.findByRole("tab", { name: "Preview" })).focus();
    await keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
    expect(document.activeElement).toBe(screen.getByRole("grid", { name: "Outbox" }));
  });

  test("go on in the content where what had them went with the last screen", async () => {
    showProgram("/contacts");
    (await grid()).focus();
    await screen.findAllByRole("checkbox", { name: /^Select .*@/ });
    await keyboard("{ArrowDown}{Enter}");
    await screen.findByRole("tab", { name: "Timeline" });
    await waitFor(() => expect(document.activeElement?.closest("main")).not.toBeNull());
  });

  test("save a segment with Ctrl+S out of its text, once there is something to save", async () => {
    const saved: unknown[] = [];
    const known = fixtureHost("?fixture=some");
    setHost({
      ...known,
      mutate: async (name, args) => {
        if (name !== "segments.save") return known.mutate(name, args);
        saved.push(args);
        throw new ApiError({ code: "refused", message: "Not today." });
      },
    });
    showProgram("/segments/1");
    const name = await screen.findByRole("textbox", { name: "Name" });
    await userEvent.click(name);
    await keyboard("{Control>}s{/Control}");
    expect(saved).toEqual([]);
    await userEvent.type(name, " of May");
    await waitFor(() => expect(screen.getByRole("button", { name: "Save" })).toHaveProperty("disabled", false));
    await keyboard("{Control>}s{/Control}");
    expect(saved).toMatchObject([{ id: 1, name: "New subscribers of May" }]);
  });
});

describe("a list that cannot be read any further", () => {
  test("says so above what is there, and can be asked again", async () => {
    const known = fixtureHost("?fixture=some");
    let broken = false;
    setHost({
      ...known,
      query: async (name, args) => {
        if (name === "contacts.page" && broken) throw new ApiError({ code: "file", message: "The disk went away." });
        return known.query(name, args);
      },
    });
    showProgram("/contacts");
    await screen.findByText("5,000 people");
    broken = true;
    await userEvent.type(screen.getByRole("searchbox"), "kim");
    expect(await screen.findByText("The disk went away.")).toBeDefined();
    expect(screen.getByRole("searchbox")).toHaveProperty("value", "kim");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText("The disk went away.")).toBeNull());
  });
});
