// The mail world of a sample, made up for the development of the screens.
import { at, noise, person } from "./fixture.people";
import type { WorldActArgs } from "./gen/WorldActArgs";
import type { WorldAnswer } from "./gen/WorldAnswer";
import type { WorldDeed } from "./gen/WorldDeed";
import type { WorldLink } from "./gen/WorldLink";
import type { WorldMail } from "./gen/WorldMail";
import type { WorldMailPage } from "./gen/WorldMailPage";
import type { WorldMailRow } from "./gen/WorldMailRow";
import type { WorldMailsArgs } from "./gen/WorldMailsArgs";
import type { WorldPersona } from "./gen/WorldPersona";
import type { WorldSettings } from "./gen/WorldSettings";
import type { WorldView } from "./gen/WorldView";
import { ApiError } from "./host";
import type { Topic } from "./words";

const SUBJECTS = [
  "Welcome to the roastery, {name}",
  "A first coffee on us",
  "Which roast next? Three for the dark season, and one that is only here until Sunday",
  "Your beans are on their way",
  "Barista course on 4 December: two places left",
];
const RELAY = "http://127.0.0.1:41873";
const SHOP = "https://bohne.example.com/roast";

/** What a person of a kind does about a mail, with what machines did before. */
const HABITS: Record<WorldPersona, (id: number) => Omit<WorldAnswer, "at">[]> = {
  eager: (id) => [
    did("opened"),
    ...(noise(id) > 0.4 ? [clicked(id)] : []),
    ...(noise(id + 1) > 0.6 ? [did("bought", { amount: { minor: 1490 + (id % 7) * 450, currency: "EUR" } })] : []),
    ...(noise(id + 2) > 0.7
      ? [
          did("replied", {
            text: "Hello,\n\nthank you, it arrived today. Do you also sell the grinder?\n\nAll the best",
          }),
        ]
      : []),
  ],
  busy: (id) => [
    ...(noise(id) > 0.5 ? [did("opened")] : []),
    ...(noise(id + 3) > 0.9 ? [did("out_of_office", { machine: true })] : []),
  ],
  silent: () => [],
  annoyed: (id) => [did("opened"), noise(id) > 0.5 ? did("complained") : did("unsubscribed_by_one_click")],
  bot: (id) => [
    did("probed", { machine: true, url: `${RELAY}/c/p0${id}` }),
    did("clicked", { machine: true, url: `${RELAY}/c/p0${id}` }),
    did("opened", { machine: true }),
    ...(noise(id) > 0.6 ? [did("opened")] : []),
  ],
  gone_away: (id) => [
    ...(noise(id) > 0.5 ? [did("delayed", { machine: true })] : []),
    did("bounced", { machine: true }),
  ],
};

function did(kind: WorldAnswer["kind"], rest: Partial<WorldAnswer> = {}): Omit<WorldAnswer, "at"> {
  return { kind, machine: false, url: null, unheard: false, text: null, amount: null, ...rest };
}

/** Every fourth mail went out without tracked links. */
function clicked(id: number): Omit<WorldAnswer, "at"> {
  const unheard = id % 4 === 0;
  return did("clicked", { url: unheard ? SHOP : `${RELAY}/c/q7Hd0m${id}`, unheard });
}

function link(words: string, url: string): WorldLink {
  return { url, words, unheard: !url.startsWith(`${RELAY}/`), kind: "content", hidden: false };
}

/** How people are spread, by the share of those before. */
const SPREAD: [WorldPersona, number][] = [
  ["eager", 0.16],
  ["busy", 0.55],
  ["silent", 0.85],
  ["annoyed", 0.91],
  ["bot", 0.96],
  ["gone_away", 1],
];

function row(id: number, newest: number): WorldMailRow {
  const who = person(1 + (Math.imul(id, 7919) % 900));
  const place = noise(who.id * 31);
  const persona = SPREAD.find(([, until]) => place < until)?.[0] ?? "silent";
  const first = who.values.first_name?.type === "text" ? who.values.first_name.value : "";
  const last = who.values.last_name?.type === "text" ? who.values.last_name.value : "";
  const days = (newest - id) * 0.011;
  return {
    id,
    received_at: at(days),
    to: who.email,
    name: id % 11 === 0 ? "" : `${first} ${last}`,
    persona,
    from: "Bohne & Sohn",
    subject: id % 97 === 0 ? "" : (SUBJECTS[id % SUBJECTS.length] ?? "").replace("{name}", first),
    message: id,
    contact: id % 53 === 0 ? null : who.id,
    answers: HABITS[persona](id).map((answer, n) => ({ ...answer, at: at(days - 0.002 * (n + 1)) })),
  };
}

const html = (
  mail: WorldMailRow,
) => `<!doctype html><html><body style="margin:0;background:#f6f1ea;font:16px/1.5 Georgia,serif;color:#2b211a">
<div style="max-width:560px;margin:0 auto;padding:32px 24px;background:#fff"><h1 style="font-size:28px;line-height:1.2">${mail.subject || "News"}</h1>
<p>Hello ${mail.name || "friend"}, we roast on Tuesdays and Fridays, and your next bag leaves the same day.</p>
<p><a style="display:inline-block;padding:12px 20px;background:#7a4a21;color:#fff;text-decoration:none;border-radius:4px" href="https://bohne.example.com/">See this week’s roast</a></p>
<p>The Sumatra is back: dark chocolate, cedar, and a long finish. There are forty bags of it, and there will be no more before spring.</p>
<p style="color:#8a7a6c;font-size:13px">Bohne &amp; Sohn, Am Markt 3, 53111 Bonn · <a href="https://bohne.example.com/">Unsubscribe</a></p></div></body></html>`;

function opened(mail: WorldMailRow): WorldMail {
  const text = `Hello ${mail.name || "friend"},\n\nwe roast on Tuesdays and Fridays, and your next bag leaves the same day.\n\nSee this week’s roast:\n${RELAY}/c/q7Hd0m${mail.id}\n\nBohne & Sohn, Am Markt 3, 53111 Bonn\nUnsubscribe: ${RELAY}/u/x9${mail.id}\n`;
  return {
    row: mail,
    headers: [
      { name: "From", value: '"Bohne & Sohn" <shop@bohne.example.com>' },
      { name: "To", value: mail.to },
      { name: "Subject", value: mail.subject },
      { name: "Date", value: new Date(mail.received_at).toUTCString() },
      { name: "Message-ID", value: `<${mail.id}.c2Ft@bohne.example.com>` },
      { name: "List-Unsubscribe", value: `<${RELAY}/u/x9${mail.id}>, <mailto:leave@bohne.example.com?subject=c2Ft>` },
      { name: "List-Unsubscribe-Post", value: "List-Unsubscribe=One-Click" },
      { name: "Content-Type", value: "multipart/alternative; boundary=b1" },
    ],
    parts: [
      { content_type: "text/plain", name: null, bytes: 412, text },
      { content_type: "text/html", name: null, bytes: 9_204, text: html(mail) },
    ],
    text,
    // Every seventh is a plain letter.
    frame: mail.id % 7 === 0 ? null : html(mail),
    links: [
      link("See this week’s roast", mail.id % 4 === 0 ? SHOP : `${RELAY}/c/q7Hd0m${mail.id}`),
      link("", `${RELAY}/c/Zk40aa${mail.id}`),
      { ...link("Unsubscribe", `${RELAY}/u/x9${mail.id}`), kind: "leave" },
      { ...link("Preferences", `${RELAY}/p/x9${mail.id}`), kind: "small" },
      { ...link("", `${RELAY}/c/trap${mail.id}`), hidden: true },
    ],
    tells_opening: mail.id % 5 !== 0,
    can_leave: true,
  };
}

/** What a deed leaves in the list. */
function answerOf(id: number, deed: WorldDeed): Omit<WorldAnswer, "at"> {
  switch (deed.kind) {
    case "open":
      return did("opened");
    case "click":
      return clicked(deed.link === 0 ? id : 1);
    case "reply":
      return did("replied", { text: deed.text });
    case "unsubscribe":
      return did("unsubscribed_by_one_click");
    case "complain":
      return did("complained");
    case "buy":
      return did("bought", { amount: deed.amount });
  }
}

export interface MailWorld {
  /** It is a sample. */
  sample: boolean;
  much: boolean;
  /** Nothing was sent yet. */
  quiet: boolean;
  /** Nobody answers. */
  off: boolean;
  tell: (...topics: Topic[]) => void;
}

/** Answers of the commands about the mail world. */
export function worldAnswers({ sample, much, quiet, off, tell }: MailWorld): Record<string, (args: never) => unknown> {
  const newest = quiet ? 0 : much ? 50_000 : 180;
  let settings: WorldSettings = {
    on: !off,
    seed: 1,
    list_quality: 0.7,
    deliverability: 0.95,
    season: { kind: "steady" },
    mix: null,
  };
  const acted = new Map<number, WorldAnswer[]>();
  const mailOf = (id: number): WorldMailRow => {
    const mail = row(id, newest);
    return { ...mail, answers: [...mail.answers, ...(acted.get(id) ?? [])] };
  };
  const guard = <A, R>(answer: (args: A) => R) => {
    return (args: A) => {
      if (!sample) throw new ApiError({ code: "refused", message: "Only a sample has a mail world." });
      return answer(args);
    };
  };
  const known = (id: number): WorldMailRow => {
    if (id < 1 || id > newest)
      throw new ApiError({
        code: "not_found",
        message: "This mail is not listed any more: the inbox keeps the latest 50,000.",
      });
    return mailOf(id);
  };
  const view = (): WorldView => ({
    settings,
    mails: newest,
    to_come: !settings.on || quiet ? 0 : much ? 18_204 : 41,
    next_at: !settings.on || quiet ? null : at(-0.06),
    relay: RELAY,
    trouble: much ? "The practice relay of this sample does not answer. Close the sample and open it again." : null,
  });
  return {
    "world.get": guard(view),
    "world.set": guard((next: WorldSettings) => {
      if (next.seed === 13)
        throw new ApiError({
          code: "invalid",
          message: "This seed brings bad luck.",
          fields: { seed: "This seed brings bad luck." },
        });
      settings = next;
      tell("world");
      return view();
    }),
    "world.mails": guard(({ search, to, persona, before, limit }: WorldMailsArgs): WorldMailPage => {
      const words = (search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (mail: WorldMailRow) =>
        (to === null || mail.to === to) &&
        (persona === null || mail.persona === persona) &&
        words.every((word) => `${mail.to} ${mail.name} ${mail.from} ${mail.subject}`.toLowerCase().includes(word));
      const everything = words.length === 0 && to === null && persona === null;
      const mails: WorldMailRow[] = [];
      let found = everything ? newest : 0;
      for (let id = newest; id >= 1; id--) {
        if (everything && mails.length > limit) break;
        const old = before === null || id < before;
        if (everything && !old) continue;
        const mail = mailOf(id);
        if (!fits(mail)) continue;
        if (!everything) found += 1;
        if (old && mails.length <= limit) mails.push(mail);
      }
      const page = mails.slice(0, limit);
      return { mails: page, found, before: mails.length > limit ? (page.at(-1)?.id ?? null) : null };
    }),
    "world.mail": guard(({ id }: { id: number }) => opened(known(id))),
    "world.act": guard(({ id, deed }: WorldActArgs) => {
      known(id);
      acted.set(id, [...(acted.get(id) ?? []), { ...answerOf(id, deed), at: at(0) }]);
      tell("world");
      return mailOf(id);
    }),
  };
}
