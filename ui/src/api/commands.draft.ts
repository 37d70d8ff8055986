// The command table as the screens use it: same shape as the table that is generated from Rust
// (`gen/Commands.ts`). `Commands` says what goes in and out; `READS` says which topics of a commit make an
// answer stale. Moments are RFC 3339 in UTC; lengths of time are seconds.
import type { JourneyCommands } from "@/journeys/commands.draft";
import { JOURNEY_READS } from "@/journeys/commands.draft";
import type { Account } from "./gen/Account";
import type { AccountId } from "./gen/AccountId";
import type { Basis } from "./gen/Basis";
import type { Channel } from "./gen/Channel";
import type { ClockKind } from "./gen/ClockKind";
import type { Consent } from "./gen/Consent";
import type { ConsentAction } from "./gen/ConsentAction";
import type { Contact } from "./gen/Contact";
import type { ContactId } from "./gen/ContactId";
import type { EnrolmentId } from "./gen/EnrolmentId";
import type { Event } from "./gen/Event";
import type { Fact } from "./gen/Fact";
import type { Field } from "./gen/Field";
import type { FieldType } from "./gen/FieldType";
import type { ImportId } from "./gen/ImportId";
import type { JourneyId } from "./gen/JourneyId";
import type { JourneyState } from "./gen/JourneyState";
import type { Message } from "./gen/Message";
import type { MessageId } from "./gen/MessageId";
import type { MessageState } from "./gen/MessageState";
import type { Purpose } from "./gen/Purpose";
import type { SecretState } from "./gen/SecretState";
import type { Segment } from "./gen/Segment";
import type { SegmentId } from "./gen/SegmentId";
import type { SuppressionReason } from "./gen/SuppressionReason";
import type { Template } from "./gen/Template";
import type { TemplateId } from "./gen/TemplateId";
import type { Tls } from "./gen/Tls";
import type { Value } from "./gen/Value";
import type { Workspace } from "./gen/Workspace";

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
  | "clock";

/** A command that reads. */
export interface Query<Req, Res> {
  kind: "query";
  req: Req;
  res: Res;
}

/** A command that writes. */
export interface Mutation<Req, Res> {
  kind: "mutate";
  req: Req;
  res: Res;
}

/** Nothing to say but that it is done. */
export type Done = Record<string, never>;

/** No arguments. */
export type None = Record<string, never>;

/** The one error that crosses the border. `fields` maps an argument to what is wrong with it. */
export interface ApiErrorBody {
  code: string;
  message: string;
  fields?: Record<string, string>;
  /** Trying again later may succeed. */
  retry?: boolean;
  /** Finds the event in the log. */
  trace?: string | null;
}

/** A slice of a long list with the number of all of its rows. */
export interface Page<T> {
  rows: T[];
  total: number;
}

/** A file to read: a path the shell's dialog gave, or an upload of the browser. */
export type FileRef = { path: string } | { upload: string };
/** Where a file goes: a path, or a download the browser takes. */
export type SaveRef = { path: string } | { download: string };
/** What was written: `path` in the window; `ticket` names the download of `GET /api/download/<ticket>`. */
export interface Saved {
  path: string | null;
  ticket: string | null;
}

export interface WorkspaceInfo {
  /** Full path of the file. */
  file: string;
  workspace: Workspace;
  /** Warnings of the place the file is in: `network_folder`, `cloud_folder`. */
  warnings: string[];
}

export interface RecentWorkspace {
  file: string;
  name: string;
  sample: boolean;
  clock: ClockKind;
  opened_at: string;
  /** False: the file is not there any more. */
  exists: boolean;
}

export interface ClockView {
  kind: ClockKind;
  /** Workspace time. */
  now: string;
  /** Virtual seconds a real second, 0 where it stands still. A real clock says 1. */
  speed: number;
  /** When something is due next, if anything is. */
  next_due: string | null;
}

export interface Sending {
  /** Sending is paused for the whole workspace. */
  paused: boolean;
  queued: number;
  in_flight: number;
  deferred: number;
  /** Unknown and frozen messages a person has to resolve. */
  attention: number;
}

export type ChecklistItem =
  | "import_contacts"
  | "save_segment"
  | "adapt_template"
  | "draw_journey"
  | "simulate_journey"
  | "add_sender"
  | "publish_journey";

export interface HomeOverview {
  contacts: number;
  contacts_30_days: number;
  permitted: number;
  in_journeys: number;
  live_journeys: number;
  messages_today: number;
  messages_7_days: number;
  unknown: number;
  next_due: string | null;
  /** Messages accepted on each of the last 30 days of workspace time, oldest first. */
  accepted_by_day: { day: string; count: number }[];
  journeys: { id: JourneyId; name: string; state: JourneyState; active: number; entered_7_days: number }[];
  /** The newest first; at most 12. */
  latest: TimelineEntry[];
  checklist: { item: ChecklistItem; done: boolean }[];
}

export type Sort = { key: string; desc: boolean };

export interface ContactsPage {
  /** A segment's text form. */
  where: string | null;
  /** Words looked for in e-mail and names. */
  search: string | null;
  sort: Sort | null;
  /** First row, from 0. */
  offset: number;
  /** At most 200. */
  limit: number;
  /** Keys of the fields wanted beside the e-mail. */
  columns: string[];
}

export interface ContactRow {
  id: ContactId;
  email: string;
  values: { [key in string]?: Value };
  tags: string[];
  /** Marketing mail is permitted now. */
  permitted: boolean;
  suppressed: boolean;
  created_at: string;
}

export interface Suppression {
  id: number;
  /** Shown where the file still knows it; the list itself keeps keyed hashes. */
  email: string | null;
  reason: SuppressionReason;
  source: string;
  at: string;
}

export interface Passage {
  enrolment: EnrolmentId;
  journey: JourneyId;
  journey_name: string;
  version: number;
  entered_at: string;
  ended_at: string | null;
  /** Name of the step the contact stands at or ended at. */
  at_step: string;
  /** Titles of the steps passed, in order, with the facts of each. */
  path: { step: string; title: string; kind: string; facts: Fact[] }[];
}

export interface ContactPage {
  contact: Contact;
  time_zone: { name: string; from: "contact" | "workspace" };
  suppressed: Suppression | null;
  permissions: { channel: Channel; purpose: Purpose; allowed: boolean; basis: Basis | null }[];
  consents: Consent[];
  segments: { id: SegmentId; name: string; since: string | null }[];
  journeys: Passage[];
}

export type TimelineEntry = { at: string; contact?: { id: ContactId; email: string } | null } & (
  | { entry: "created"; source: string }
  | { entry: "event"; event: Event }
  | { entry: "message"; id: MessageId; subject: string; state: MessageState; journey: string | null }
  | { entry: "consent"; consent: Consent }
  | { entry: "suppressed"; reason: SuppressionReason; source: string }
  | { entry: "journey"; journey: string; what: "entered" | "left" | "goal"; step: string | null }
  | { entry: "changed"; key: string; to: Value | null; source: string }
  | { entry: "segment"; segment: string; entered: boolean }
);

export type Delimiter = "," | ";" | "\t" | "|";
export type Encoding = "utf-8" | "utf-8-bom" | "utf-16le" | "utf-16be" | "windows-1252";
export type ImportMode = "create" | "update" | "both";

export interface ImportColumn {
  name: string;
  /** The field the column seems to be: a known key, or null. */
  guess: string | null;
  /** The type its values look like. */
  type: FieldType;
  /** Currency found in the values, for money. */
  currency: string | null;
  /** Share of empty cells among the rows looked at, 0 to 1. */
  empty: number;
}

export interface ImportPreview {
  /** Names the opened file in the next calls. */
  file: FileRef;
  name: string;
  bytes: number;
  delimiter: Delimiter;
  encoding: Encoding;
  header: boolean;
  columns: ImportColumn[];
  /** The first rows, at most 50. */
  rows: string[][];
  /** Estimated from the size where the file is large. */
  rows_about: number;
  warnings: string[];
}

export type ColumnPlan =
  | { to: "skip" }
  | { to: "field"; key: string; fill_only: boolean }
  | { to: "new_field"; label: string; type: FieldType; currency: string | null; fill_only: boolean }
  | { to: "tags"; separator: string };

export interface ImportPlan {
  file: FileRef;
  delimiter: Delimiter;
  encoding: Encoding;
  header: boolean;
  columns: ColumnPlan[];
  mode: ImportMode;
  basis: Basis;
  /** Where the people come from: "shop customers 2026". */
  source: string;
  wording: string | null;
  tags: string[];
}

export interface ImportCounts {
  rows: number;
  new: number;
  changed: number;
  unchanged: number;
  duplicate: number;
  invalid: number;
  suppressed: number;
  /** Rows that the mode leaves out. */
  skipped: number;
}

export interface ImportReport {
  counts: ImportCounts;
  /** The first invalid rows with their reason; at most 20. */
  examples: { line: number; reason: string; text: string }[];
}

export interface ImportRow {
  id: ImportId;
  name: string;
  what: "contacts" | "events";
  state: "running" | "done" | "cancelled" | "failed" | "undone";
  at: string;
  source: string;
  counts: ImportCounts;
  /** There is a file with the invalid rows. */
  has_errors: boolean;
  undoable: boolean;
}

export interface JobView {
  id: number;
  /** Command that started it. */
  what: string;
  state: "running" | "done" | "failed" | "cancelled";
  /** Units of work done, of `total` if that is known (0: unknown). */
  done: number;
  total: number;
  /** Word of the locale files (`jobs.phases.*`) for what is being done. */
  phase: string;
  /** The command's answer when it is done. */
  result: unknown;
  error: ApiErrorBody | null;
}

/** The number of a job that was started; `jobs.get` tells how it goes. */
export interface JobStarted {
  job: number;
}

export interface EventsPreview {
  file: FileRef;
  name: string;
  format: "csv" | "json_lines";
  bytes: number;
  columns: string[];
  rows: string[][];
  rows_about: number;
  /** Guessed columns. */
  guess: { email: string | null; name: string | null; at: string | null };
}

export interface EventsPlan {
  file: FileRef;
  email: string;
  /** Column with the event's name, or the fixed name. */
  name: { column: string } | { fixed: string };
  at: string;
  source: string;
}

export interface SegmentRow extends Segment {
  count: number;
  /** Journeys and segments that use it. */
  used_by: number;
  /** Members at the end of each of the last 30 days, oldest first. */
  history: number[];
}

/** Where the text does not parse. `offset` and `length` are in UTF-16 code units, as the editor counts. */
export interface ParseError {
  offset: number;
  length: number;
  message: string;
  expected: string[];
}

export type SegmentCheck = { ok: true; canonical: string } | { ok: false; error: ParseError };

export interface ClauseCount {
  offset: number;
  length: number;
  text: string;
  count: number;
}

export interface SegmentCount {
  count: number;
  total: number;
  clauses: ClauseCount[];
  took_ms: number;
  seq: number;
}

/** A part of an expression with its truth for one contact: the engine's `Reason`. */
export interface Why {
  /** Canonical text of this part. */
  text: string;
  holds: boolean;
  /** The first later moment at which it may differ though nothing is changed. */
  until: string | null;
  /** Of a clause: what was looked at, such as `city = "Köln"`. */
  seen: string | null;
  /** Of a list, a *not* or a segment: its parts. */
  of?: Why[];
}

export interface TemplateRow {
  id: TemplateId;
  name: string;
  subject: string;
  updated_at: string;
  /** Journeys that send it. */
  used_by: number;
  sent_30_days: number;
}

export type TemplateDraft = Pick<Template, "name" | "subject" | "preheader" | "body" | "text">;

export interface Rendered {
  /** Names the preview of the mail's frame (`host.frameUrl`), served with its own CSP header. */
  frame: string;
  subject: string;
  preheader: string;
  text: string;
  bytes: number;
  /** Problems of source or values with the line they stand on. */
  problems: {
    severity: "error" | "warning";
    part: "subject" | "preheader" | "body" | "text";
    line: number | null;
    message: string;
  }[];
}

export interface MissingReport {
  looked_at: number;
  complete: number;
  missing: { key: string; count: number; example: { id: ContactId; email: string } | null; has_fallback: boolean }[];
}

export interface Starter {
  key: string;
  name: string;
  about: string;
  draft: TemplateDraft;
}

export interface AccountRow extends Account {
  secret: SecretState;
  sent_24_hours: number;
  last_test: { at: string; ok: boolean; message: string } | null;
}

export type AccountDraft = Omit<Account, "id">;

export interface SenderPreset {
  key: string;
  name: string;
  host: string;
  port: number;
  tls: Tls;
  per_day: number;
  per_minute: number;
  sessions: number;
  /** When the provider's limits were read. */
  dated: string;
  note: string;
}

export interface AccountTest {
  ok: boolean;
  /** Each phase of the session with the server's words. */
  phases: { phase: "connect" | "tls" | "auth" | "mail" | "done"; ok: boolean; detail: string }[];
}

export interface OutboxPage {
  states: MessageState[];
  journey: JourneyId | null;
  search: string | null;
  offset: number;
  limit: number;
}

export interface OutboxRow extends Message {
  contact_id: ContactId;
  journey_name: string | null;
  step_title: string | null;
  template_name: string;
  account_name: string;
}

export interface MessageDetail extends OutboxRow {
  frame: string;
  text: string;
  /** Each attempt with phase and answer, oldest first. */
  tries: { at: string; phase: string; reply: string; class: string | null }[];
  headers: { name: string; value: string }[];
}

/** Messages that share one fate: an interrupted session, or a restored file. */
export interface Batch {
  id: number;
  state: "unknown" | "frozen";
  why: "crash" | "connection_lost" | "restored";
  at: string;
  count: number;
  account_name: string;
  examples: string[];
}

export interface OutboxSummary {
  by_state: { state: MessageState; count: number }[];
  batches: Batch[];
  sending: Sending;
  /** Why the gate lets nothing out, if so: `no_opt_out_source`, `sample`, `paused`. */
  closed: string | null;
}

export interface MessagesReport {
  step: "day" | "week" | "month";
  rows: { at: string; accepted: number; bounced: number; suppressed: number; unknown: number }[];
}

export interface FunnelReport {
  journey: JourneyId;
  version: number | null;
  entered: number;
  /** Steps in the order of the drawing's longest path. */
  steps: { step: string; title: string; kind: string; reached: number; now: number }[];
  ended: { end: string; count: number }[];
}

export interface GrowthReport {
  step: "day" | "week" | "month";
  rows: { at: string; total: number; added: number; opted_out: number; bounced: number }[];
}

export interface Settings {
  name: string;
  organisation: string;
  postal_address: string;
  time_zone: string;
  /** Account new journeys send from. */
  default_account: AccountId | null;
}

export interface Diagnostics {
  version: string;
  sqlite: string;
  file: string;
  file_bytes: number;
  index_bytes: number;
  contacts: number;
  events: number;
  seq: number;
  keychain: "available" | "missing" | "locked";
  graphics: string;
  owner: string;
}

type CoreCommands = {
  "workspaces.current": Query<None, WorkspaceInfo | null>;
  "workspaces.recent": Query<None, RecentWorkspace[]>;
  "workspaces.open": Mutation<{ file: FileRef }, WorkspaceInfo>;
  "workspaces.create": Mutation<
    { file: SaveRef; name: string; clock: ClockKind; start: string | null; time_zone: string },
    WorkspaceInfo
  >;
  "workspaces.close": Mutation<None, Done>;
  "workspaces.forget": Mutation<{ file: string }, Done>;
  /** Makes the sample company and opens it. */
  "demo.create": Mutation<{ contacts: number; months: number; seed: number }, JobStarted>;
  /** The window's own dialogs; answers null where the user cancelled. Not served over HTTP. */
  "files.choose": Mutation<{ purpose: FilePurpose }, { path: string; name: string } | null>;
  "files.choose_save": Mutation<{ purpose: FilePurpose; name: string }, { path: string } | null>;

  "clock.get": Query<None, ClockView>;
  "clock.play": Mutation<{ speed: number }, ClockView>;
  "clock.pause": Mutation<None, ClockView>;
  "clock.jump": Mutation<{ to: { at: string } | "next_due" }, JobStarted>;

  "home.overview": Query<None, HomeOverview>;

  "contacts.page": Query<ContactsPage, Page<ContactRow>>;
  "contacts.get": Query<{ id: ContactId }, ContactPage>;
  "contacts.timeline": Query<{ id: ContactId; before: string | null; limit: number }, TimelineEntry[]>;
  "contacts.add": Mutation<
    { email: string; values: { key: string; value: Value }[]; tags: string[]; basis: Basis | null; source: string },
    { id: ContactId }
  >;
  "contacts.update": Mutation<{ id: ContactId; values: { key: string; value: Value | null }[] }, Done>;
  "contacts.tag": Mutation<{ who: Who; add: string[]; remove: string[] }, { changed: number }>;
  "contacts.delete": Mutation<{ who: Who }, { deleted: number }>;
  "contacts.import_open": Mutation<
    { file: FileRef; delimiter: Delimiter | null; encoding: Encoding | null; header: boolean | null },
    ImportPreview
  >;
  "contacts.import_dry_run": Mutation<ImportPlan, ImportReport>;
  "contacts.import_run": Mutation<ImportPlan, JobStarted & { import: ImportId }>;
  "contacts.export": Mutation<{ who: Who; columns: string[]; to: SaveRef }, Saved>;
  "imports.list": Query<None, ImportRow[]>;
  "imports.get": Query<{ id: ImportId }, ImportRow>;
  "imports.undo": Mutation<{ id: ImportId }, JobStarted>;
  "imports.errors": Mutation<{ id: ImportId; to: SaveRef }, Saved>;

  "jobs.get": Query<{ id: number }, JobView>;
  "jobs.cancel": Mutation<{ id: number }, Done>;

  "fields.list": Query<None, Field[]>;
  "fields.add": Mutation<{ label: string; type: FieldType; options: string[] }, Field>;
  "fields.retire": Mutation<{ key: string }, Done>;

  "consents.of": Query<{ contact: ContactId }, Consent[]>;
  "consents.add": Mutation<
    {
      contact: ContactId;
      channel: Channel;
      purpose: Purpose;
      action: ConsentAction;
      basis: Basis;
      wording: string | null;
      source: string;
    },
    Done
  >;
  "suppressions.list": Query<{ search: string | null; offset: number; limit: number }, Page<Suppression>>;
  "suppressions.add": Mutation<{ email: string; reason: SuppressionReason; source: string }, Done>;
  "suppressions.remove": Mutation<{ id: number; why: string }, Done>;

  "events.import_open": Mutation<{ file: FileRef }, EventsPreview>;
  "events.import_run": Mutation<EventsPlan, JobStarted & { import: ImportId }>;

  "segments.list": Query<None, SegmentRow[]>;
  "segments.save": Mutation<{ id: SegmentId | null; name: string; text: string }, Segment>;
  "segments.delete": Mutation<{ id: SegmentId }, Done>;
  "segments.check": Query<{ text: string }, SegmentCheck>;
  "segments.count": Query<{ text: string; clauses: boolean }, SegmentCount>;
  /** `sample`: members chosen by a stable hash instead of the first ones. */
  "segments.members": Query<{ text: string; sample: boolean; offset: number; limit: number }, Page<ContactRow>>;
  "segments.why": Query<{ text: string; contact: ContactId }, { holds: boolean; at: string; why: Why }>;

  "templates.list": Query<None, TemplateRow[]>;
  "templates.get": Query<{ id: TemplateId }, Template>;
  "templates.save": Mutation<{ id: TemplateId | null; draft: TemplateDraft }, Template>;
  "templates.delete": Mutation<{ id: TemplateId }, Done>;
  "templates.render": Query<{ draft: TemplateDraft; contact: ContactId | null }, Rendered>;
  "templates.missing": Query<{ draft: TemplateDraft; where: string | null }, MissingReport>;
  "templates.starters": Query<None, Starter[]>;

  "accounts.list": Query<None, AccountRow[]>;
  "accounts.add": Mutation<{ account: AccountDraft }, Account>;
  "accounts.update": Mutation<{ id: AccountId; account: AccountDraft }, Account>;
  "accounts.delete": Mutation<{ id: AccountId }, Done>;
  /** Goes in and never comes out. `keep`: where it is to be kept. */
  "accounts.set_secret": Mutation<
    { id: AccountId; secret: string; keep: "keychain" | "passphrase_file"; passphrase: string | null },
    { state: SecretState }
  >;
  /** Sends one mail to the address given and tells how it went. */
  "accounts.test": Mutation<{ id: AccountId; to: string; template: TemplateId | null }, AccountTest>;
  "presets.senders": Query<None, SenderPreset[]>;

  "outbox.summary": Query<None, OutboxSummary>;
  "outbox.page": Query<OutboxPage, Page<OutboxRow>>;
  "outbox.get": Query<{ id: MessageId }, MessageDetail>;
  "outbox.resolve": Mutation<{ batch: number; as: "sent" | "unknown" | "cancelled" | "queued" }, { changed: number }>;
  "outbox.pause": Mutation<None, Sending>;
  "outbox.resume": Mutation<None, Sending>;

  "reports.messages": Query<{ days: number; step: "day" | "week" | "month" }, MessagesReport>;
  "reports.funnel": Query<{ journey: JourneyId; version: number | null }, FunnelReport>;
  "reports.growth": Query<{ days: number; step: "day" | "week" | "month" }, GrowthReport>;

  "settings.get": Query<None, Settings>;
  "settings.save": Mutation<Settings, Settings>;
  "backup.create": Mutation<{ to: SaveRef }, Saved & { bytes: number }>;
  "backup.restore": Mutation<{ from: FileRef; to: SaveRef }, WorkspaceInfo>;
  "diagnostics.get": Query<None, Diagnostics>;
};

/** Whom a bulk action means: some, or all that a text selects, never a list of a million ids. */
export type Who = { ids: ContactId[] } | { where: string | null; search: string | null; except: ContactId[] };

export type FilePurpose = "contacts" | "events" | "workspace" | "backup" | "errors" | "export" | "journey" | "template";

export type Commands = CoreCommands & JourneyCommands;

/** The topics each query reads. */
export const READS: Record<string, readonly Topic[]> = {
  "workspaces.current": ["workspace"],
  "workspaces.recent": ["workspace"],
  "clock.get": ["clock"],
  "home.overview": ["contacts", "consents", "enrolments", "journeys", "outbox", "segments", "templates", "accounts"],
  "contacts.page": ["contacts", "fields", "consents", "suppressions", "segments"],
  "contacts.get": ["contacts", "consents", "suppressions", "enrolments", "segments"],
  "contacts.timeline": ["contacts", "consents", "events", "outbox", "enrolments"],
  "imports.list": ["imports"],
  "imports.get": ["imports"],
  "jobs.get": [],
  "fields.list": ["fields"],
  "consents.of": ["consents"],
  "suppressions.list": ["suppressions"],
  "segments.list": ["segments", "membership"],
  "segments.check": ["fields", "segments"],
  "segments.count": ["segments", "contacts", "events", "consents", "outbox", "clock"],
  "segments.members": ["segments", "contacts", "events", "consents", "outbox"],
  "segments.why": ["segments", "contacts", "events", "consents", "outbox"],
  "templates.list": ["templates", "journeys"],
  "templates.get": ["templates"],
  "templates.render": ["contacts"],
  "templates.missing": ["contacts"],
  "templates.starters": [],
  "accounts.list": ["accounts"],
  "presets.senders": [],
  "outbox.summary": ["outbox", "clock"],
  "outbox.page": ["outbox"],
  "outbox.get": ["outbox"],
  "reports.messages": ["reports", "outbox"],
  "reports.funnel": ["reports", "enrolments"],
  "reports.growth": ["reports", "contacts"],
  "settings.get": ["workspace"],
  "diagnostics.get": [],
  ...JOURNEY_READS,
};
