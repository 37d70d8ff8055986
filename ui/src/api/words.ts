// The few words of the border that do not come out of Rust's table.

/** What a commit touched. The bus sends topics; a query names those it reads. */
export type Topic =
  | "workspace"
  | "contacts"
  | "fields"
  | "tags"
  | "consents"
  | "suppressions"
  | "imports"
  | "events"
  | "segments"
  | "membership"
  | "journeys"
  | "enrolments"
  | "outbox"
  | "templates"
  | "accounts"
  | "reports"
  | "clock"
  | "jobs"
  | "everything";

/** What a dialog of the system is opened for. */
export type FilePurpose = "contacts" | "events" | "workspace" | "backup" | "errors" | "export" | "journey" | "template";

/** The window's own dialogs, answered by the shell and never served over HTTP. Null: cancelled. */
export type WindowCommands = {
  "files.choose": { kind: "mutate"; req: { purpose: FilePurpose }; res: { path: string; name: string } | null };
  "files.choose_save": { kind: "mutate"; req: { purpose: FilePurpose; name: string }; res: { path: string } | null };
};
