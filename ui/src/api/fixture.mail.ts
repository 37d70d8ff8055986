// Templates, senders, messages and reports made up for the development of the screens.

import { at, message, noise, person } from "./fixture.people";
import type { Absence } from "./gen/Absence";
import type { Dkim } from "./gen/Dkim";
import type { Fate } from "./gen/Fate";
import type { MessageState } from "./gen/MessageState";
import type { Topic } from "./words";

/** Whole dates going back from today, oldest first. */
export const days = (count: number, step = 1) =>
  Array.from({ length: count }, (_, n) => at((count - 1 - n) * step).slice(0, 10));

const MAIL = `<!doctype html><html><body style="margin:0;background:#f6f1ea;font:16px/1.5 Georgia,serif;color:#2b211a">
<div style="max-width:560px;margin:0 auto;padding:32px 24px;background:#fff"><h1 style="font-size:28px;line-height:1.2">Welcome to the roastery, Ada</h1>
<p>We roast on Tuesdays and Fridays, and your first bag leaves the same day.</p>
<p><a style="display:inline-block;padding:12px 20px;background:#7a4a21;color:#fff;text-decoration:none;border-radius:4px">See this week’s roast</a></p>
<p style="color:#8a7a6c;font-size:13px">Bohne &amp; Sohn, Am Markt 3, 53111 Bonn</p></div></body></html>`;

export interface World {
  empty: boolean;
  much: boolean;
  /** Contacts there are. */
  total: number;
  /** Messages whose fate is not known. */
  unknown: number;
  tell: (...topics: Topic[]) => void;
}

/** Answers of the commands about mail and figures. */
export function mailAnswers({ empty, much, total, unknown, tell }: World): Record<string, (args: never) => unknown> {
  let paused = false;
  let absence: Absence | null = much
    ? {
        from: at(0.7),
        to: at(0.01),
        waiting: 1352,
        journeys: [
          { journey: 1, name: "Welcome series", campaign: false, messages: 1240, fate: "waits" },
          {
            journey: 9,
            name: "Advent coffee, with a name that is longer than its place",
            campaign: true,
            messages: 112,
            fate: "waits",
          },
        ],
      }
    : null;
  const template = {
    id: 1,
    name: "Welcome 1",
    subject: "Welcome to the roastery, {{ contact.first_name | default: 'friend' }}",
    preheader: "We roast on Tuesdays and Fridays.",
    body: `<mjml>\n  <mj-body background-color="#f6f1ea">\n    <mj-section background-color="#ffffff">\n      <mj-column>\n        <mj-text font-size="28px">\n          Welcome to the roastery, {{ contact.first_name | default: "friend" }}\n        </mj-text>\n        {% if contact.spent %}\n        <mj-text>You have spent {{ contact.spent | money }} so far.</mj-text>\n        {% endif %}\n        <mj-button href="https://bohne.example.com/roast">See this week’s roast</mj-button>\n      </mj-column>\n    </mj-section>\n  </mj-body>\n</mjml>\n`,
    text: "",
    topic: null,
    updated_at: at(4),
  };
  const account = {
    id: 1,
    name: "Shop mail",
    host: "smtp.example.com",
    port: 587,
    tls: "starttls" as const,
    user: "shop@bohne.example.com",
    auth: { kind: "password" as const },
    from_name: "Bohne & Sohn",
    from_email: "shop@bohne.example.com",
    reply_to: null,
    ca_file: null,
    per_day: 2000,
    per_minute: 60,
    sessions: 4,
    preset: null,
    provider: null,
    dkim: null as Dkim | null,
    off: false,
    secret: "keychain" as const,
    locked: false,
    sent_24_hours: 640,
    last_test: { at: at(1), ok: true, message: "" },
  };

  return {
    "templates.list": () =>
      empty
        ? []
        : ["Welcome 1", "First-order offer", "Second order", "Birthday coffee"].map((name, n) => ({
            id: n + 1,
            name,
            subject: ["Welcome to the roastery", "A first coffee on us", "Which roast next?", "A coffee on your day"][
              n
            ],
            updated_at: at(n * 9),
            used_by: n === 3 ? 0 : 1,
            sent_30_days: [2140, 1208, 802, 0][n],
          })),
    "templates.get": () => template,
    "templates.save": ({ draft }: { draft: object }) => ({ ...template, ...draft }),
    "templates.starters": () =>
      ["Welcome", "First-order offer", "We miss you", "News"].map((name, n) => ({
        key: `s${n}`,
        name,
        about: [
          "Says hello and what will come.",
          "A small thank-you with a reason to try.",
          "A short, honest note to those who sleep.",
          "One story, one picture, one link.",
        ][n],
        draft: template,
      })),
    "templates.render": ({ draft }: { draft: { subject: string; preheader: string; body: string } }) => ({
      frame: MAIL,
      subject: draft.subject.replace(/\{\{[^}]*\}\}/g, "Ada"),
      preheader: draft.preheader,
      text: "Welcome to the roastery, Ada\n\nWe roast on Tuesdays and Fridays, and your first bag leaves the same day.\n",
      bytes: 18_420,
      problems: draft.body.includes("mj-broken")
        ? [{ severity: "error", part: "body", line: 4, message: "There is no MJML element called mj-broken." }]
        : [],
    }),
    "templates.missing": () => ({
      looked_at: total,
      complete: Math.round(total * 0.91),
      missing: [
        {
          key: "contact.first_name",
          count: Math.round(total * 0.07),
          example: { id: 8, email: person(8).email },
          has_fallback: true,
        },
        {
          key: "contact.spent",
          count: Math.round(total * 0.3),
          example: { id: 9, email: person(9).email },
          has_fallback: false,
        },
      ],
    }),
    "accounts.list": () => (empty ? [] : [account]),
    "accounts.dkim_make": ({ domain, selector }: { domain: string; selector: string }) => {
      account.dkim = { domain, selector, record: "v=DKIM1; k=rsa; p=MIIB", on: false };
      tell("accounts");
      return { name: `${selector}._domainkey.${domain}`, value: "", quoted: "" };
    },
    "accounts.dkim_switch": ({ on }: { on: boolean }) => {
      if (account.dkim !== null) account.dkim = { ...account.dkim, on };
      tell("accounts");
      return {};
    },
    "accounts.dkim_remove": () => {
      account.dkim = null;
      tell("accounts");
      return {};
    },
    "accounts.test": () => ({
      ok: false,
      phases: [
        { phase: "connect", ok: true, detail: "220 smtp.example.com ESMTP" },
        { phase: "tls", ok: true, detail: "TLS 1.3, certificate of smtp.example.com" },
        { phase: "auth", ok: false, detail: "535 5.7.8 Authentication credentials invalid" },
      ],
    }),
    "presets.senders": () => [
      {
        key: "m365",
        name: "Microsoft 365",
        host: "smtp.office365.com",
        port: 587,
        tls: "starttls",
        per_day: 10_000,
        per_minute: 30,
        sessions: 3,
        dated: "2026-10-01",
        note: "30 messages a minute and 10,000 recipients a day.",
      },
    ],
    "campaigns.recall_secs": () => ({ secs: 60 }),
    "campaigns.set_recall_secs": (next: { secs: number }) => next,
    "absence.limit": () => ({ messages: 25 }),
    "absence.set_limit": () => ({}),
    "absence.get": () => absence,
    "absence.answer": ({ journey, fate }: { journey: number | null; fate: Fate }) => {
      if (absence === null) return {};
      const journeys = absence.journeys.map((row) =>
        row.fate === "waits" && (journey === null || row.journey === journey) ? { ...row, fate } : row,
      );
      const waits = journeys.filter((row) => row.fate === "waits");
      absence = { ...absence, journeys, waiting: waits.reduce((sum, row) => sum + row.messages, 0) };
      tell("outbox");
      return {};
    },
    "absence.close": () => {
      absence = null;
      tell("outbox");
      return {};
    },
    "outbox.summary": () => ({
      by_state: [
        { state: "accepted", count: 18_220 },
        { state: "queued", count: empty ? 0 : 1204 },
        { state: "bounced", count: 120 },
        { state: "unknown", count: unknown },
      ],
      sending: { paused, queued: empty ? 0 : 1198, in_flight: empty ? 0 : 6, deferred: 0, attention: unknown },
      closed: empty ? null : "sample",
      troubles: much ? ["The sender “Shop mail” rests until 15:20: the server asked for fewer messages."] : [],
    }),
    "outbox.page": ({
      offset,
      limit,
      states,
      search,
    }: {
      offset: number;
      limit: number;
      states: MessageState[];
      search: string | null;
    }) => {
      const all = empty ? 0 : search === null ? (much ? 120_000 : 180) : 3;
      const rows = Array.from({ length: Math.max(0, Math.min(limit, all - offset)) }, (_, n) =>
        message(offset + n + 1, unknown),
      );
      return {
        rows: states.length === 0 ? rows : rows.filter((row) => states.includes(row.state)),
        total: states.length === 0 ? all : Math.min(all, rows.filter((row) => states.includes(row.state)).length),
      };
    },
    "outbox.get": ({ id }: { id: number }) => ({
      ...message(id, unknown),
      frame: MAIL,
      text: "Welcome",
      received: false,
      tries: [{ at: at(0.01), state: "accepted", reply: "250 2.0.0 Ok: queued as 4F2D1", class: null }],
      headers: [
        { name: "From", value: "Bohne & Sohn <shop@bohne.example.com>" },
        { name: "List-Unsubscribe", value: "<mailto:leave@bohne.example.com?subject=c2Ft>" },
      ],
    }),
    "outbox.pause": () => {
      paused = true;
      tell("outbox");
      return {};
    },
    "outbox.resume": () => {
      paused = false;
      tell("outbox");
      return {};
    },
    "reports.messages": ({ days: span, step }: { days: number; step: "day" | "week" }) => ({
      step,
      rows: days(step === "day" ? span : Math.ceil(span / 7), step === "day" ? 1 : 7).map((day, n) => ({
        at: day,
        accepted: empty ? 0 : Math.round((much ? 40 : 1) * (160 + 80 * Math.sin(n / 1.1) + noise(n) * 90)),
        bounced: empty ? 0 : Math.round(noise(n + 9) * 9 * (much ? 40 : 1)),
        suppressed: empty ? 0 : Math.round(noise(n + 7) * 14 * (much ? 40 : 1)),
        unknown: 0,
      })),
    }),
    "reports.funnel": () => ({
      journey: 1,
      version: null,
      entered: 2410,
      steps: [
        { step: "a", title: "New subscriber", kind: "entry_segment", reached: 2410, now: 0 },
        { step: "b", title: "First mail", kind: "send_email", reached: 2392, now: 4 },
        { step: "c", title: "Wait 3 days", kind: "wait", reached: 2380, now: 212 },
        { step: "d", title: "Bought already?", kind: "if_else", reached: 2120, now: 0 },
        { step: "e", title: "First-order offer", kind: "send_email", reached: 1404, now: 0 },
        { step: "f", title: "Second order", kind: "goal", reached: 688, now: 0 },
      ],
      ended: [
        { end: "completed", reason: "welcomed", title: "welcomed", count: 910 },
        { end: "goal", reason: "f", title: "Second order", count: 688 },
      ],
    }),
    "reports.growth": ({ days: span, step }: { days: number; step: "day" | "week" }) => ({
      step,
      rows: days(step === "day" ? span : Math.ceil(span / 7), step === "day" ? 1 : 7).map((day, n, all) => ({
        at: day,
        total: empty ? 0 : Math.round(total - (all.length - n) * total * 0.0015),
        added: empty ? 0 : Math.round(total * 0.0019),
        opted_out: empty ? 0 : Math.round(noise(n) * 4),
        bounced: 0,
      })),
    }),
  };
}
