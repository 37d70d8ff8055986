// Mailboxes, a relay and what came back through them, made up for the development of the screens.

import { at, noise, person } from "./fixture.people";
import type { Listening } from "./gen/Listening";
import type { Mailbox } from "./gen/Mailbox";
import type { MailboxDraft } from "./gen/MailboxDraft";
import type { MailboxView } from "./gen/MailboxView";
import type { MayLeave } from "./gen/MayLeave";
import type { RelaySettings } from "./gen/RelaySettings";
import type { RelayView } from "./gen/RelayView";
import type { ResponseKind } from "./gen/ResponseKind";
import type { ResponseView } from "./gen/ResponseView";
import type { Topic } from "./words";

const HIT = (agent: string) =>
  JSON.stringify({ kind: "open", link: null, request: { method: "GET", agent, network: null, known_network: null } });

const LETTER =
  "Hello Bohne,\n\nthe Sumatra was the best coffee we have had this year. Could you send another two kilos, ground for a moka pot?\n\nThank you\nAda";

/** One of each way something comes back, oldest last. */
const MADE: Omit<ResponseView, "id" | "email" | "subject" | "message" | "contact" | "at" | "arrived_at">[] = [
  said("replied", "mailbox:1", { detail: LETTER }),
  said("clicked", "relay", {
    link: "https://bohne.example.com/roasts/sumatra-mandheling?utm_source=carillon&utm_campaign=welcome-series-first-mail",
    detail: HIT("Mozilla/5.0 (Macintosh) Safari"),
  }),
  said("opened", "relay", { hand: "proxy", rule: "mail_proxy", detail: HIT("GoogleImageProxy") }),
  said("clicked", "relay", {
    hand: "machine",
    rule: "all_links",
    link: "https://bohne.example.com/",
    detail: HIT("SafeLinksScanner/3.1"),
  }),
  said("delivered", "provider:2", {}),
  said("bounced", "mailbox:1", {
    class: "hard",
    rule: "no-such-user",
    detail: "5.1.1 550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
  }),
  said("bounced", "mailbox:1", { class: "soft", rule: "mailbox-full", detail: "4.2.2 The mailbox is over quota" }),
  said("bounced", "mailbox:1", {
    class: "block",
    rule: "sender-authentication",
    detail: "5.7.26 This mail has been blocked because the sender is unauthenticated.",
  }),
  said("complained", "mailbox:1", { detail: "abuse" }),
  said("unsubscribed", "relay", { rule: "one_click" }),
  said("auto_replied", "mailbox:1", {
    rule: "out_of_office",
    detail: "I am away until 14 December and read mail now and then.",
  }),
];

function said(
  kind: ResponseKind,
  source: string,
  rest: Partial<ResponseView>,
): Omit<ResponseView, "id" | "email" | "subject" | "message" | "contact" | "at" | "arrived_at"> {
  return { kind, source, hand: "human", class: null, link: null, rule: null, detail: null, may_leave: null, ...rest };
}

const DOUBTFUL = "Such a lot of paper for one old lady. I have no use for any of it.";

const row = (id: number, of: (typeof MADE)[number], days: number): ResponseView => {
  const who = person(id * 17 + 3);
  return {
    ...of,
    id,
    contact: who.id,
    email: who.email,
    message: id + 1,
    subject: ["Welcome to the roastery", "A first coffee on us"][id % 2] ?? "",
    at: at(days),
    arrived_at: at(days - 0.001),
  };
};

export interface Listeners {
  empty: boolean;
  much: boolean;
  tell: (...topics: Topic[]) => void;
}

/** Answers of the commands about what comes back. */
export function answersAnswers({ empty, much, tell }: Listeners): Record<string, (args: never) => unknown> {
  let fresh_secs = 300;
  const doubts = (much ? [3, 2, 1] : []).map((id) =>
    row(id, said("replied", "mailbox:1", { detail: DOUBTFUL, may_leave: "open" }), id),
  );
  let mailboxes: MailboxView[] = empty
    ? []
    : [
        {
          id: 1,
          name: "Shop",
          host: "imap.example.com",
          port: 993,
          tls: "tls",
          user: "shop@bohne.example.com",
          auth: { kind: "password" },
          folders: ["INBOX", "Junk"],
          ca_file: null,
          off: false,
          has_secret: true,
          locked: much,
          read_at: at(0.001),
          trouble: null,
        },
      ];
  if (much) {
    mailboxes.push({
      ...(mailboxes[0] as MailboxView),
      id: 2,
      name: "The mailbox of the wholesale department in the old town of Bonn",
      host: "a-rather-long-name-of-a-mail-server.hosting.example.com",
      user: "wholesale-and-private-labels@bohne.example.com",
      folders: ["INBOX", "Junk", "Archive/2026", "Bounces and other returns"],
      has_secret: false,
      locked: false,
      read_at: null,
      trouble: "The server did not take the password: AUTHENTICATIONFAILED. Check the user name and enter it again.",
    });
  }
  let relay: RelayView = much
    ? {
        url: "https://relay.example.com",
        tenant: "bohne",
        paired_at: at(12),
        read_at: at(0.0004),
        trouble: null,
        locked: false,
      }
    : { url: null, tenant: null, paired_at: null, read_at: null, trouble: null, locked: false };
  let settings: RelaySettings = {
    page: {
      sender: "Bohne & Sohn",
      postal_address: "",
      topics: much
        ? [
            { number: 0, name: "News", about: "Once a month" },
            { number: 1, name: "Offers", about: "" },
            {
              number: 4,
              name: "Courses and tastings in the roastery",
              about: "Where they are, when, and who holds them",
            },
          ]
        : [],
      channels: [],
      languages: ["en"],
      pauses_days: [30],
    },
    forms: much
      ? [
          {
            key: "newsletter",
            version: 2,
            title: "Coffee news",
            intro: "Once a month.",
            button: "Sign up",
            thanks: "Thank you. You are on the list.",
            redirect: null,
            fields: [
              { key: "email", label: "E-mail", kind: "email", required: true, options: [], value: "" },
              { key: "first_name", label: "First name", kind: "text", required: false, options: [], value: "" },
            ],
            consents: [
              { key: "marketing", version: 1, text: "Yes, send me news.", wording_hash: "a1", required: false },
            ],
            double_opt_in: true,
            min_secs: 3,
            work_bits: 16,
            without_script: true,
            language: "en",
          },
        ]
      : [],
    sites: much ? ["https://shop.example.com"] : [],
    keys: [],
  };
  const listening = (): Listening => {
    const sources = mailboxes
      .filter(({ off }) => !off)
      .map(({ id, name, read_at, trouble }) => ({
        name: `mailbox:${id}`,
        label: name,
        read_at,
        fresh: read_at !== null,
        trouble,
      }));
    if (relay.url !== null) {
      sources.push({ name: "relay", label: relay.url, read_at: relay.read_at, fresh: true, trouble: null });
    }
    const fresh = sources.length > 0 && sources.every((source) => source.fresh);
    return { sources, fresh, not_needed: false, fresh_secs };
  };
  const view = (id: number, draft: MailboxDraft): MailboxView => {
    const known = mailboxes.find((each) => each.id === id);
    return {
      off: false,
      has_secret: false,
      locked: false,
      read_at: null,
      trouble: null,
      ...known,
      ...draft,
      id,
      ca_file: draft.ca_file ?? null,
    } as MailboxView;
  };
  const put = (id: number, next: MailboxView): Mailbox => {
    mailboxes = mailboxes.some((each) => each.id === id)
      ? mailboxes.map((each) => (each.id === id ? next : each))
      : [...mailboxes, next];
    tell("mailboxes", "opt_out_sources");
    return next;
  };
  const change = (id: number, next: Partial<MailboxView>) => {
    mailboxes = mailboxes.map((each) => (each.id === id ? { ...each, ...next } : each));
    tell("mailboxes", "opt_out_sources");
    return {};
  };
  return {
    "listening.get": listening,
    "listening.set": (next: { fresh_secs: number }) => {
      fresh_secs = next.fresh_secs;
      tell("opt_out_sources");
      return {};
    },
    "mailboxes.list": () => mailboxes,
    "mailboxes.presets": () => ({
      mailboxes: [
        {
          key: "gmail",
          name: "Gmail and Google Workspace",
          host: "imap.gmail.com",
          port: 993,
          tls: "tls",
          sign_in: "google",
          note: "Gmail takes no ordinary password here: make an app password and enter that, or sign in with the browser.",
          dated: "2026-11-26",
        },
        {
          key: "generic",
          name: "Another mail server",
          host: "",
          port: 993,
          tls: "tls",
          sign_in: null,
          note: "Check the user name (often the whole address).",
          dated: "2026-11-26",
        },
      ],
      providers: [
        {
          key: "google",
          name: "Google",
          note: "In the Google Cloud console make an OAuth client of the kind “Desktop app”.",
          provider: {
            kind: "google",
            client_id: "",
            authorize_url: "https://accounts.example.com/authorize",
            token_url: "https://accounts.example.com/token",
            scopes: ["mail"],
            redirect: "address",
            has_client_secret: true,
            parameters: [],
          },
        },
      ],
    }),
    "mailboxes.add": ({ mailbox }: { mailbox: MailboxDraft }) => {
      const id = mailboxes.length + 1;
      return put(id, view(id, mailbox));
    },
    "mailboxes.update": ({ id, mailbox }: { id: number; mailbox: MailboxDraft }) => put(id, view(id, mailbox)),
    "mailboxes.delete": ({ id }: { id: number }) => {
      mailboxes = mailboxes.filter((each) => each.id !== id);
      tell("mailboxes", "opt_out_sources");
      return {};
    },
    "mailboxes.switch": ({ id, off }: { id: number; off: boolean }) => change(id, { off }),
    "mailboxes.set_secret": ({ id }: { id: number }) => change(id, { has_secret: true }),
    "mailboxes.test": ({ id }: { id: number }) =>
      id === 2
        ? { ok: false, message: "imap.example.com:993 refuses connections.", listens: false, mails: 0, folders: [] }
        : {
            ok: true,
            message: "imap.example.com",
            listens: true,
            mails: 12_480,
            folders: ["INBOX", "Archive", "Junk", "Sent"].map((name) => ({
              name,
              label: name === "INBOX" ? "Inbox" : name,
              junk: name === "Junk",
            })),
          },
    "relay.get": () => relay,
    "relay.pair": ({ code }: { code: string }) => {
      const [url = "", rest = ""] = code.split("/#");
      relay = { url, tenant: rest.split(".")[0] ?? "", paired_at: at(0), read_at: null, trouble: null, locked: false };
      tell("relay", "opt_out_sources");
      return relay;
    },
    "relay.unpair": () => {
      relay = { url: null, tenant: null, paired_at: null, read_at: null, trouble: null, locked: false };
      tell("relay", "opt_out_sources");
      return {};
    },
    "relay.invite": () => ({ text: "carillon-machine:YWdlLWVuY3J5cHRpb24ub3JnL3Yx" }),
    "relay.join": () => relay,
    "topics.list": () => settings.page.topics,
    "topics.save": ({ topics }: { topics: { number: number | null; name: string; about: string }[] }) => {
      settings.page.topics = topics.map((topic, place) => ({ ...topic, number: topic.number ?? place }));
      tell("relay", "workspace");
      return settings.page.topics;
    },
    "relay.test": () => ({
      ok: true,
      message: "0.1.0",
      state: {
        tenant: relay.tenant ?? "",
        epoch: "e1",
        head: 812,
        acked: 812,
        kept: 3,
        used_bytes: 420_000,
        quota_bytes: 1_073_741_824,
        room: "everything",
        pixels_dropped: 0,
        clicks_dropped: 0,
        devices: [{ key: "k", name: "laptop" }],
        version: "0.1.0",
        now: at(0),
      },
    }),
    "relay.settings": () => settings,
    "relay.confirming": () => (much ? ["Confirm the address"] : []),
    "relay.save_settings": (next: RelaySettings) => {
      settings = next;
      tell("relay");
      return {};
    },
    "responses.of_message": ({ message }: { message: number }) =>
      empty || message % 5 === 0 ? [] : MADE.map((each, n) => ({ ...row(n + 1, each, n * 0.4), message })),
    "responses.undecided": () => {
      const rows = doubts.filter((each) => each.may_leave === "open");
      return { rows, count: rows.length };
    },
    "responses.undecided_of": ({ contact }: { contact: number }) =>
      doubts.filter((each) => each.may_leave === "open" && each.contact === contact),
    "responses.decide": ({ id, decided }: { id: number; decided: MayLeave }) => {
      for (const each of doubts) if (each.id === id) each.may_leave = decided;
      tell("responses");
      return {};
    },
    "responses.page": ({ kind, below, limit }: { kind: ResponseKind; below: number | null; limit: number }) => {
      const made = MADE.filter((each) => each.kind === kind);
      const total = empty || made.length === 0 ? 0 : much ? 400 : 7;
      const first = Math.min(total, (below ?? total + 1) - 1);
      const count = Math.min(limit, first);
      return {
        rows: Array.from({ length: count }, (_, n) => {
          const id = first - n;
          return row(id, made[id % made.length] as (typeof MADE)[number], (total - id) * 0.3 + noise(id) * 0.1);
        }),
        more: first > count,
      };
    },
  };
}
