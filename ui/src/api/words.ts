// The few words of the border that do not come out of Rust's table.

import type { ApiError } from "./gen/ApiError";

/** What a commit touched. The bus sends topics; a query names those it reads. */
export type Topic =
  | "workspace"
  | "contacts"
  | "companies"
  | "fields"
  | "tags"
  | "duplicates"
  | "cleansing"
  | "consents"
  | "suppressions"
  | "imports"
  | "events"
  | "segments"
  | "scores"
  | "membership"
  | "journeys"
  | "campaigns"
  | "enrolments"
  | "outbox"
  | "templates"
  | "accounts"
  | "mailboxes"
  | "providers"
  | "opt_out_sources"
  | "relay"
  | "responses"
  | "reports"
  | "clock"
  | "world"
  | "jobs"
  | "everything";

/** What a dialog of the system is opened for. */
export type FilePurpose =
  | "contacts"
  | "events"
  | "workspace"
  | "backup"
  | "errors"
  | "export"
  | "workbook"
  | "parquet"
  | "journey"
  | "template";

/** What only the shell can do or knows, never served over HTTP. Of a dialog null is: cancelled. */
export type WindowCommands = {
  /** Why the file that the program was started with did not open; told once. */
  "window.unopened": { kind: "query"; req: Record<string, never>; res: ApiError | null };
  "files.choose": {
    kind: "mutate";
    req: { purpose: FilePurpose; words: string };
    res: { path: string; name: string } | null;
  };
  "files.choose_folder": { kind: "mutate"; req: Record<string, never>; res: { path: string } | null };
  "files.choose_save": {
    kind: "mutate";
    req: { purpose: FilePurpose; name: string; words: string };
    res: { path: string } | null;
  };
  /** Keeps pasted rows as a file. */
  "files.paste": { kind: "mutate"; req: { text: string; name: string }; res: { path: string; name: string } };
};
