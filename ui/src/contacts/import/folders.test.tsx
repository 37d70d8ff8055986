import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { ImportRow } from "@/api/gen/ImportRow";
import type { WatchedFolder } from "@/api/gen/WatchedFolder";
import { ApiError, type Host } from "@/api/host";
import { answering, show } from "@/testing";
import { WatchedFolders, WatchFolder } from "./folders";

const done = (id: number, more: Partial<ImportRow> = {}) =>
  ({ id, name: `list-${id}.csv`, what: "contacts", state: "done", source: "a fair", ...more }) as ImportRow;
const folder = {
  id: 4,
  path: "/home/ada/Exports",
  pattern: "*.csv",
  paused: false,
  trouble: null,
  imported: 3,
  waiting: 1,
  source: "a fair",
  last_at: null,
} as WatchedFolder;

function program(more: Partial<Host> = {}) {
  return answering(
    {
      "imports.list": () => [done(9, { what: "events" }), done(8, { state: "undone" }), done(7), done(3)],
      "imports.folders": () => [folder],
      "imports.folder_add": ({ folder: path }) => {
        if (path === "/nowhere")
          throw new ApiError({ code: "invalid", message: "", fields: { folder: "It is no folder." } });
        return { ...folder, path };
      },
      "imports.folder_set": () => folder,
    },
    more,
  );
}

test("a folder is watched like the last list that was imported to its end", async () => {
  const asked = program({ chooseFolder: async () => "/home/ada/Exports" });
  show(<WatchFolder>Watch a folder</WatchFolder>);
  await userEvent.click(screen.getByRole("button", { name: "Watch a folder" }));
  expect(await screen.findByText("list-7.csv · a fair")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Choose…" }));
  const submit = screen.getAllByRole("button", { name: "Watch a folder" }).at(-1);
  if (submit !== undefined) await userEvent.click(submit);
  expect(await screen.findByText("/home/ada/Exports is watched")).toBeDefined();
  expect(asked.asked.find((one) => one.name === "imports.folder_add")?.args).toEqual({
    folder: "/home/ada/Exports",
    pattern: "*.csv",
    like: 7,
    limits: { refused_percent: 20, most_contacts: null },
    existing: false,
  });
});

test("what is wrong with a folder is said at its field, and the dialog stays", async () => {
  program();
  show(<WatchFolder like={3}>Import what arrives</WatchFolder>);
  await userEvent.click(screen.getByRole("button", { name: "Import what arrives" }));
  await userEvent.type(screen.getByLabelText("Folder"), "/nowhere");
  await userEvent.click(screen.getByRole("button", { name: "Watch a folder" }));
  expect(await screen.findByText("It is no folder.")).toBeDefined();
  expect(screen.getByRole("dialog")).toBeDefined();
});

test("a page in a browser is told the command, because it names no folders", async () => {
  const asked = program({ kind: "http" });
  show(<WatchFolder like={3}>Import what arrives</WatchFolder>);
  await userEvent.click(screen.getByRole("button", { name: "Import what arrives" }));
  expect(await screen.findByText("carillon imports folders add FOLDER --like 3")).toBeDefined();
  expect(screen.queryByLabelText("Folder")).toBeNull();
  expect(asked.times("imports.folder_add")).toBe(0);
});

test("folders stand with what waits in them, and are paused", async () => {
  const asked = program();
  show(<WatchedFolders />);
  expect(await screen.findByText("1 file waits")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  expect(asked.asked.find((one) => one.name === "imports.folder_set")?.args).toEqual({
    id: 4,
    pattern: null,
    paused: true,
    limits: null,
  });
});
