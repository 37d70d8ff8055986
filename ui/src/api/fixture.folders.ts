// Watched folders, made up for the development of the screens.

import type { Listeners } from "./fixture.answers";
import { at, COUNTS } from "./fixture.people";
import type { AddFolder } from "./gen/AddFolder";
import type { FolderFile } from "./gen/FolderFile";
import type { SetFolder } from "./gen/SetFolder";
import type { WatchedFolder } from "./gen/WatchedFolder";

const SHOP: WatchedFolder = {
  id: 1,
  path: "/home/ada/Exports/shop",
  pattern: "*.csv",
  paused: false,
  trouble: null,
  like: 12,
  like_name: "shop-customers.csv",
  source: "shop customers 2026",
  basis: "soft_opt_in",
  mode: "both",
  everybody: "free",
  tags: ["shop"],
  columns: [
    { column: "E-Mail", to: "email" },
    { column: "Vorname", to: "first_name" },
    { column: "Punkte", to: "points" },
    { column: "Newsletter", to: "status" },
  ],
  limits: { refused_percent: 20, most_contacts: 5000 },
  imported: 9,
  waiting: 2,
  last_at: at(0.1),
  made_at: at(40),
};

const AWAY: WatchedFolder = {
  ...SHOP,
  id: 2,
  path: "/Volumes/team/Signups at the counters of all our shops in the city and along the coast",
  pattern: "signups-*.csv, *.xlsx",
  trouble: "The folder is not there. Its files are imported as soon as it is back.",
  imported: 31,
  waiting: 0,
};

const file = (id: number, name: string, more: Partial<FolderFile>): FolderFile => ({
  id,
  name,
  bytes: 48_213 * id,
  state: "imported",
  import: 12,
  counts: { ...COUNTS, invalid: 0 },
  why: null,
  at: at((10 - id) / 3),
  ...more,
});

const none = { import: null, counts: null };
const FILES: FolderFile[] = [
  file(9, "customers-2026-11-27.csv", { state: "running" }),
  file(8, "customers-2026-11-26.csv", {}),
  file(7, "customers-2026-11-26 (1).csv", { state: "same", counts: null }),
  file(6, "customers-2026-11-25.csv", {
    ...none,
    state: "waits",
    why: "212 of 980 rows cannot be imported, more than the 20 % that this folder allows. The first is in line 14: not an e-mail address.",
  }),
  file(5, "returns.csv", {
    ...none,
    state: "waits",
    why: "The file lacks columns that lists in this folder have: Vorname, Newsletter. Its columns are: Order, E-Mail, Amount. Mend the heading and save the file again, or import it by hand.",
  }),
  file(4, "locked.csv", { ...none, state: "unread", why: "The file could not be read: Permission denied." }),
  file(3, "customers-2026-11-24.csv", {
    state: "interrupted",
    why: "The file went away before all of it was imported. Put it back, and the import goes on.",
  }),
  file(2, "test.csv", { ...none, state: "left", why: "A changed file of this name came since." }),
  file(1, "customers-2026-11-23.csv", { state: "undone", import: 11 }),
];

/** Answers about watched folders, of the amount asked for. */
export function foldersAnswers({ empty, tell, job }: Listeners & { job: () => { job: number } }) {
  let folders = empty ? [] : [SHOP, AWAY];
  let files = FILES;
  return {
    "imports.folders": () => folders,
    "imports.folder_files": ({ id }: { id: number }) => (id === SHOP.id ? files : []),
    "imports.folder_add": (args: AddFolder) => {
      const added = {
        ...SHOP,
        id: folders.length + 1,
        path: args.folder,
        pattern: args.pattern,
        imported: 0,
        waiting: 0,
      };
      folders = [...folders, { ...added, last_at: null }];
      tell("imports");
      return added;
    },
    "imports.folder_set": ({ id, paused }: SetFolder) => {
      folders = folders.map((each) => (each.id === id ? { ...each, paused: paused ?? each.paused } : each));
      tell("imports");
      return folders.find((each) => each.id === id);
    },
    "imports.folder_remove": ({ id }: { id: number }) => {
      folders = folders.filter((each) => each.id !== id);
      tell("imports");
      return {};
    },
    "imports.folder_look": job,
    "imports.folder_take": job,
    "imports.folder_leave": ({ id }: { id: number }) => {
      files = files.map((each) => (each.id === id ? { ...each, state: "left" as const } : each));
      tell("imports");
      return {};
    },
  };
}
