// Plausible answers for work on the screens alone: vite's development server with `?fixture=…`, and vitest.
// Never shipped: a test looks for it in what is built.
import { journeyFixture, journeyJob } from "@/journeys/fixture";
import type { Commands } from "./client";
import { answersAnswers } from "./fixture.answers";
import { cleansingAnswers } from "./fixture.cleansing";
import { COMPANY_FIELDS, companiesAnswers, companyOf, readOf } from "./fixture.companies";
import { duplicatesAnswers } from "./fixture.duplicates";
import { foldersAnswers } from "./fixture.folders";
import { days, mailAnswers } from "./fixture.mail";
import { at, CITIES, COUNTS, FIELDS, FIRST, historyAnswers, LAST, noise, person, timeline } from "./fixture.people";
import { providersAnswers } from "./fixture.providers";
import { qualityAnswers } from "./fixture.quality";
import { scoresAnswers } from "./fixture.scores";
import { segmentsAnswers } from "./fixture.segments";
import { worldAnswers } from "./fixture.world";
import type { ClockView } from "./gen/ClockView";
import type { Field } from "./gen/Field";
import type { HomeOverview } from "./gen/HomeOverview";
import type { ImportReport } from "./gen/ImportReport";
import type { ImportRow } from "./gen/ImportRow";
import type { JobView } from "./gen/JobView";
import type { Settings } from "./gen/Settings";
import type { WorkspaceInfo } from "./gen/WorkspaceInfo";
import { ApiError, type Changes, type Host } from "./host";
import type { Topic } from "./words";

const REPORT: ImportReport = {
  counts: COUNTS,
  examples: [
    { line: 17, reason: "The e-mail address has no @.", text: "peter.example.com;Peter;Pan" },
    { line: 204, reason: "There are 9 columns where the header has 7.", text: "a@example.com;x;y;z;1;2;3;4;5" },
    { line: 3311, reason: "The date 31.02.2025 does not exist.", text: "eva@example.com;Eva;Ro" },
  ],
};

/** How much there is: `none` no workspace, `empty` a new one, `some`, `much`, `slow` and `broken` for the rest. */
export type Amount = "none" | "empty" | "some" | "much" | "slow" | "broken";

type Answers = { [K in keyof Commands]?: (args: never) => unknown };

/** Takes `?fixture=…` out of the address, where the router would read it, and keeps it for a reload. */
export function takeFixture(): string | null {
  const { search, pathname, hash } = window.location;
  if (new URLSearchParams(search).has("fixture")) {
    sessionStorage.setItem("carillon.fixture", search);
    window.history.replaceState(null, "", `${pathname}${hash}`);
  }
  return sessionStorage.getItem("carillon.fixture");
}

/** A program that is not there: every command of the table with an answer of the amount asked for. */
export function fixtureHost(search: string): Host {
  const asked = new URLSearchParams(search);
  const amount = (asked.get("fixture") || "some") as Amount;
  const virtual = asked.get("clock") !== "real";
  const much = amount === "much";
  const empty = amount === "empty" || amount === "none";
  const total = empty ? 0 : much ? 1_000_000 : 5000;
  const listeners = new Set<(changes: Changes | "everything") => void>();
  const tell = (...topics: Topic[]) => {
    for (const listener of listeners) listener({ seq: 1, topics });
  };

  let open: WorkspaceInfo | null =
    amount === "none"
      ? null
      : {
          file: "/home/ada/bohne.carillon",
          workspace: {
            name: empty ? "Bohne & Sohn" : "Kaffeehaus Sample",
            clock: virtual ? "virtual" : "real",
            sample: !empty,
            time_zone: "Europe/Berlin",
            postal_address: empty ? "" : "Am Markt 3, 53111 Bonn",
            organisation: "Bohne & Sohn Kaffeerösterei",
            created_at: at(120),
          },
          warnings: much ? ["cloud_folder"] : [],
        };
  let clock: ClockView = {
    kind: virtual ? "virtual" : "real",
    now: at(0),
    running: !virtual,
    speed: virtual ? 0 : 1,
    jumping_to: null,
    next_due: empty ? null : at(-0.12),
  };
  let fields = [...FIELDS, ...COMPANY_FIELDS].filter((field) => !empty || field.built_in);
  let settings: Settings = {
    name: open?.workspace.name ?? "",
    organisation: "Bohne & Sohn",
    postal_address: empty ? "" : "Am Markt 3\n53111 Bonn",
    time_zone: "Europe/Berlin",
    default_account: empty ? null : 1,
  };
  const unknown = much ? 37 : 0;
  const jobs = new Map<number, number>();
  const dry = new Set<number>();
  const job = (): { job: number } => {
    const id = jobs.size + 1;
    jobs.set(id, Date.now());
    const telling = setInterval(() => {
      tell("jobs");
      if (jobView(id).state === "done") clearInterval(telling);
    }, 100);
    return { job: id };
  };
  const jobView = (id: number): JobView => {
    const done = Math.min(10_240, (Date.now() - (jobs.get(id) ?? 0)) * 4);
    return {
      id,
      what: dry.has(id) ? "contacts.import_dry_run" : "contacts.import_run",
      started_at: at(0),
      state: done >= 10_240 ? "done" : "running",
      done,
      total: 10_240,
      phase: "rows",
      result: dry.has(id) && done >= 10_240 ? REPORT : null,
      error: null,
    };
  };
  const imports: ImportRow[] = empty
    ? []
    : [
        {
          id: 12,
          name: "shop-customers.csv",
          what: "contacts",
          state: "done",
          at: at(2),
          source: "shop customers 2026",
          counts: COUNTS,
          has_errors: true,
          undoable: true,
          resumable: false,
        },
        {
          id: 11,
          name: "orders-october.jsonl",
          what: "events",
          state: "done",
          at: at(20),
          source: "shop",
          counts: { ...COUNTS, invalid: 0 },
          has_errors: false,
          undoable: true,
          resumable: false,
        },
        {
          id: 10,
          name: "fair.csv",
          what: "contacts",
          state: "undone",
          at: at(64),
          source: "fair",
          counts: { ...COUNTS, rows: 300, new: 280 },
          has_errors: false,
          undoable: false,
          resumable: false,
        },
      ];
  const answers: Answers = {
    ...(journeyFixture(tell) as Answers),
    ...(empty ? { "journeys.list": () => [] } : {}),
    "workspaces.current": () => open,
    "workspaces.recent": () => [
      {
        file: "/home/ada/bohne.carillon",
        name: "Bohne & Sohn",
        sample: false,
        clock: "real",
        opened_at: at(0.2),
        exists: true,
      },
      {
        file: "/home/ada/clients/velo.carillon",
        name: "Velo Verein Bonn",
        sample: false,
        clock: "real",
        opened_at: at(3),
        exists: true,
      },
      {
        file: "/home/ada/.local/share/carillon/sample.carillon",
        name: "Kaffeehaus Sample",
        sample: true,
        clock: "virtual",
        opened_at: at(9),
        exists: true,
      },
      {
        file: "/media/stick/old.carillon",
        name: "Theater am Ring",
        sample: false,
        clock: "real",
        opened_at: at(200),
        exists: false,
      },
    ],
    "workspaces.close": () => {
      open = null;
      tell("workspace");
      return {};
    },
    "clock.get": () => clock,
    "clock.play": ({ speed }: { speed: number }) => {
      clock = { ...clock, speed, running: true };
      tell("clock");
      return clock;
    },
    "clock.pause": () => {
      clock = { ...clock, speed: 0, running: false };
      tell("clock");
      return clock;
    },
    "clock.jump": job,
    "demo.create": job,
    "jobs.get": ({ id }: { id: number }) => journeyJob(id) ?? jobView(id),
    "home.overview": (): HomeOverview => ({
      contacts: total,
      contacts_30_days: Math.round(total * 0.04),
      permitted: Math.round(total * 0.83),
      in_journeys: Math.round(total * 0.24),
      live_journeys: empty ? 0 : 2,
      messages_today: empty ? 0 : 214,
      messages_7_days: empty ? 0 : 1830,
      unknown,
      next_due: clock.next_due,
      accepted_by_day: days(30).map((day, n) => ({
        day,
        count: empty ? 0 : Math.round(120 + 90 * Math.sin(n / 1.1) + noise(n) * 120),
      })),
      journeys: empty
        ? []
        : [
            { id: 1, name: "Welcome series", state: "live", active: 812, entered_7_days: 96 },
            { id: 2, name: "Second order", state: "live", active: 388, entered_7_days: 41 },
            { id: 3, name: "Birthday coffee", state: "paused", active: 12, entered_7_days: 0 },
          ],
      latest: empty ? [] : timeline(8),
      checklist: (
        [
          "import_contacts",
          "save_segment",
          "adapt_template",
          "draw_journey",
          "simulate_journey",
          "add_sender",
          "publish_journey",
        ] as const
      ).map((item, n) => ({ item, done: !empty && n < 4 })),
    }),
    "contacts.page": ({ offset, limit, search }: { offset: number; limit: number; search: string | null }) => {
      const found = search === null ? total : Math.min(total, 7);
      return {
        rows: Array.from({ length: Math.max(0, Math.min(limit, found - offset)) }, (_, n) => person(offset + n + 1)),
        total: found,
      };
    },
    "contacts.get": ({ id }: { id: number }) => {
      const row = person(id);
      return {
        contact: {
          id,
          email: row.email,
          tags: row.tags,
          created_at: row.created_at,
          fields: [
            ...Object.entries({ email: { type: "text", value: row.email }, ...row.values }).map(([key, value]) => ({
              key,
              value,
              provenance: { source: key === "city" ? "user" : "import:12", at: at(30) },
            })),
            ...readOf(id),
          ],
        },
        company: companyOf(id),
        time_zone: { name: "Europe/Berlin", from: "workspace" },
        suppressed: row.suppressed
          ? { reason: "unsubscribed", scope: "marketing", source: "import:12", since: at(3) }
          : null,
        chosen: { topics_left: [], paused_until: null, undecided: [] },
        permissions: [{ channel: "email", purpose: "marketing", allowed: row.permitted, basis: "double_opt_in" }],
        consents: [
          {
            contact: id,
            channel: "email",
            purpose: "marketing",
            action: "granted",
            basis: "double_opt_in",
            wording: "Yes, send me news from the roastery.",
            wording_hash: "a1b2c3d4e5f60718aa",
            source: "import:12",
            at: at(90),
          },
        ],
        segments: [
          { id: 1, name: "New subscribers", since: at(12) },
          { id: 2, name: "Bought twice", since: at(40) },
        ],
        journeys: [
          {
            enrolment: 1,
            journey: 1,
            journey_name: "Welcome series",
            version: 3,
            entered_at: at(12),
            ended_at: null,
            at_step: "Wait 3 days",
            path: ["New subscriber", "First mail", "Bought?", "Wait 3 days"].map((title, n) => ({
              step: `s${n}`,
              title,
              kind: "wait",
              facts: [],
            })),
          },
        ],
      };
    },
    ...(companiesAnswers(empty, much) as Answers),
    "contacts.timeline": ({ limit }: { limit: number }) => timeline(Math.min(limit, 60)),
    "contacts.import_open": () => ({
      file: { upload: "u1" },
      name: "shop-customers.xlsx",
      bytes: 1_482_300,
      kind: "sheet",
      delimiter: null,
      encoding: null,
      sheets: ["Customers", "Leads", "Notes"],
      sheet: "Customers",
      may_lack_heading: true,
      program: "Mailchimp",
      standings: [
        { standing: "free", rows: 9_876 },
        { standing: "not_permitted", rows: 41 },
        { standing: "unsubscribed", rows: 281 },
        { standing: "bounced", rows: 42 },
      ],
      everybody: "free",
      header: true,
      columns: [
        {
          name: "E-Mail",
          guess: "email",
          type: "text",
          currency: null,
          empty: 0,
          plan: { to: "field", key: "email", fill_only: false },
        },
        {
          name: "Vorname",
          guess: "first_name",
          type: "text",
          currency: null,
          empty: 0.02,
          plan: { to: "field", key: "first_name", fill_only: false },
        },
        {
          name: "Nachname",
          guess: "last_name",
          type: "text",
          currency: null,
          empty: 0.01,
          plan: { to: "field", key: "last_name", fill_only: false },
        },
        {
          name: "Ort",
          guess: "city",
          type: "text",
          currency: null,
          empty: 0.11,
          plan: { to: "field", key: "city", fill_only: false },
        },
        { name: "Umsatz", guess: null, type: "money", currency: "EUR", empty: 0.3, plan: { to: "skip" } },
        { name: "Kundennummer", guess: null, type: "number", currency: null, empty: 0, plan: { to: "skip" } },
        {
          name: "Gruppen",
          guess: "tags",
          type: "text",
          currency: null,
          empty: 0.6,
          plan: { to: "tags", separator: "," },
        },
        {
          name: "UNSUB_TIME",
          guess: "status",
          type: "date_time",
          currency: null,
          empty: 0.97,
          plan: { to: "status", reads: "unsubscribed" },
        },
      ],
      rows: Array.from({ length: 12 }, (_, n) => [
        person(n + 1).email,
        FIRST[n % 12] ?? "",
        LAST[n % 10] ?? "",
        CITIES[n % 8] ?? "",
        "1.204,50",
        String(10_000 + n),
        "newsletter, vip",
        n === 1 ? "2026-02-01 09:00:00" : "",
      ]),
      rows_about: 10_240,
      warnings: [],
    }),
    "contacts.import_dry_run": () => {
      const started = job();
      dry.add(started.job);
      return started;
    },
    "contacts.import_run": () => ({ ...job(), import: 12 }),
    "exports.start": () => ({ ...job(), path: null, ticket: null }),
    "imports.list": () => imports,
    "imports.get": () => imports[0],
    "imports.undo": job,
    "fields.list": () => fields,
    "vocabulary.list": () => ({
      events: [
        { name: "cart", count: 2_114, props: ["amount", "items"] },
        { name: "order", count: 8_930, props: ["amount", "items", "shop"] },
        { name: "review", count: 412, props: ["stars"] },
      ],
      tags: [
        { tag: "newsletter", count: 3_910 },
        { tag: "vip", count: 122 },
      ],
      steps: [
        { id: "s1", name: "Signs up", journey: "Welcome series" },
        { id: "s2", name: "Wait two days", journey: "Welcome series" },
        { id: "s3", name: "", journey: "Welcome series" },
      ],
    }),
    "fields.add": ({ label, type, options }: { label: string; type: Field["type"]; options: string[] }) => {
      const field = { key: label.toLowerCase().replaceAll(" ", "_"), label, type, options, built_in: false };
      fields = [...fields, field];
      tell("fields");
      return field;
    },
    "suppressions.counts": () =>
      empty
        ? []
        : [
            { reason: "unsubscribed", count: 181 },
            { reason: "bounced", count: 47 },
            { reason: "complained", count: 12 },
          ],
    "suppressions.check": ({ email }: { email: string }) => ({ suppressed: email.startsWith("a") }),
    ...segmentsAnswers({ empty, total }),
    ...answersAnswers({ empty, much, tell }),
    ...historyAnswers(empty),
    ...cleansingAnswers({ empty, much, tell, job }),
    ...foldersAnswers({ empty, much, tell, job }),
    ...qualityAnswers({ empty, much, tell, job }),
    ...duplicatesAnswers({ empty, much, tell, job }),
    ...providersAnswers({ empty, much, tell }),
    ...scoresAnswers({ empty, total, tell }),
    ...mailAnswers({ empty, much, total, unknown, tell }),
    ...worldAnswers({
      sample: !empty,
      much,
      quiet: asked.get("mails") === "none",
      off: asked.get("world") === "off",
      tell,
    }),
    "settings.get": () => settings,
    "settings.save": (next: Settings) => {
      settings = next;
      tell("workspace");
      return settings;
    },
    "diagnostics.get": () => ({
      version: "0.1.0",
      sqlite: "3.51.3",
      file: "/home/ada/bohne.carillon",
      file_bytes: 48_211_000,
      mended: 0,
      index_bytes: 9_120_000,
      index_limit: 536_870_912,
      index_held: 6,
      index_all: 27,
      contacts: total,
      events: total * 22,
      seq: 88_120,
      keychain: asked.get("keychain") ?? "available",
      graphics: "software (DMABUF off)",
      owner: "this process",
    }),
  };

  const answer = async (name: string, args: unknown): Promise<unknown> => {
    if (amount === "slow" && name !== "workspaces.current") await new Promise(() => {});
    if (amount === "broken" && name !== "workspaces.current" && name !== "clock.get") {
      throw new ApiError({
        code: "file",
        message: "The disk is full. What was committed is kept. Free some space and try again.",
        trace: "7f3a-11c2",
      });
    }
    const found = answers[name as keyof Commands] as ((args: unknown) => unknown) | undefined;
    if (found === undefined)
      throw new ApiError({ code: "not_found", message: `The fixture has no answer to ${name}.` });
    return structuredClone(await found(args));
  };

  return {
    kind: "fixture",
    query: answer,
    mutate: answer,
    onChanged: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    frameUrl: (ticket) => `data:text/html;charset=utf-8,${encodeURIComponent(ticket)}`,
    chooseFile: async (purpose) => ({
      file: { upload: "u1" },
      name: purpose === "contacts" ? "shop-customers.csv" : "file",
    }),
    chooseFolder: async () => "/home/ada/Exports",
    chooseSave: async (_purpose, name) => ({ path: `/home/ada/${name}` }),
    paste: async (_text, name) => ({ file: { upload: "u1" }, name }),
    deliver: () => {},
    onFilesDropped: () => () => {},
  };
}
