import {
  BadgeCheck,
  Ban,
  Bot,
  ChevronDown,
  ChevronRight,
  Hourglass,
  type LucideIcon,
  MailOpen,
  MailX,
  MousePointerClick,
  Reply,
  ScanSearch,
  Server,
  ShoppingBag,
  SquarePen,
  ThumbsDown,
  UserRound,
} from "lucide-react";
import { useState } from "react";
import type { WorldAnswer } from "@/api/gen/WorldAnswer";
import type { WorldAnswerKind } from "@/api/gen/WorldAnswerKind";
import type { WorldPersona } from "@/api/gen/WorldPersona";
import { Badge, cx, ScrollBox, type Tone } from "@/design";
import { ago, count, moment, money } from "@/format";
import { t } from "@/i18n";
import { Said } from "@/shell/responses";

const PERSONA_TONES: Record<WorldPersona, Tone> = {
  eager: "ok",
  busy: "info",
  silent: "neutral",
  annoyed: "warn",
  bot: "accent",
  gone_away: "bad",
};

/** Their colours where they stand for a share, beside their words. */
export const PERSONA_FILLS: Record<WorldPersona, string> = {
  eager: "bg-ok",
  busy: "bg-info",
  silent: "bg-ink-3",
  annoyed: "bg-warn",
  bot: "bg-accent-solid",
  gone_away: "bg-bad",
};

/** Kinds of people, from the one that does most to the one that is never there. */
export const PERSONAS = ["eager", "busy", "silent", "annoyed", "bot", "gone_away"] as const satisfies WorldPersona[];

/** What kind of person somebody is. */
export function Persona({ of }: { of: WorldPersona }) {
  return (
    <span title={t(`world.personas_about.${of}`)} className="inline-flex shrink-0">
      <Badge tone={PERSONA_TONES[of]} dot>
        {t(`world.personas.${of}`)}
      </Badge>
    </span>
  );
}

/** What a list tells of an answer. */
type Sign = keyof typeof SIGNS;
const SIGNS = {
  opened: { icon: MailOpen, tone: "" },
  probed: { icon: ScanSearch, tone: "" },
  clicked: { icon: MousePointerClick, tone: "" },
  confirmed: { icon: BadgeCheck, tone: "text-ok" },
  filled_form: { icon: SquarePen, tone: "" },
  replied: { icon: Reply, tone: "text-accent-text" },
  bought: { icon: ShoppingBag, tone: "text-ok" },
  auto_replied: { icon: Bot, tone: "" },
  unsubscribed: { icon: Ban, tone: "text-warn" },
  complained: { icon: ThumbsDown, tone: "text-bad" },
  delayed: { icon: Hourglass, tone: "text-warn" },
  bounced: { icon: MailX, tone: "text-bad" },
} satisfies Record<string, { icon: LucideIcon; tone: string }>;

const SIGN_OF: Record<WorldAnswerKind, Sign> = {
  opened: "opened",
  probed: "probed",
  clicked: "clicked",
  confirmed: "confirmed",
  filled_form: "filled_form",
  unsubscribed_by_one_click: "unsubscribed",
  unsubscribed_by_mail: "unsubscribed",
  unsubscribed_on_page: "unsubscribed",
  replied: "replied",
  out_of_office: "auto_replied",
  left_company: "auto_replied",
  complained: "complained",
  bought: "bought",
  delayed: "delayed",
  bounced: "bounced",
};

/** Whose hand it was, as one says it: servers bounce, scanners click. */
function hand({ kind, machine }: WorldAnswer): "person" | "machine" | "server" {
  if (kind === "bounced" || kind === "delayed") return "server";
  return machine ? "machine" : "person";
}

interface Seen {
  sign: Sign;
  /** No person did it. */
  machine: boolean;
  /** Nothing of it comes back. */
  unheard: boolean;
}

/**
 * What was done about a mail, each once, in the order of its first time. What a person did too is no machine's, and what
 * comes back once is heard.
 */
export function signs(answers: readonly WorldAnswer[]): Seen[] {
  const found = new Map<Sign, Seen>();
  for (const answer of answers) {
    const sign = SIGN_OF[answer.kind];
    const before = found.get(sign);
    found.set(sign, {
      sign,
      machine: (before?.machine ?? true) && hand(answer) === "machine",
      unheard: (before?.unheard ?? true) && answer.unheard,
    });
  }
  return [...found.values()];
}

/** What was done about a mail, in signs. */
export function Signs({ answers }: { answers: readonly WorldAnswer[] }) {
  return (
    <span className="flex shrink-0 items-center gap-1.5">
      {signs(answers).map(({ sign, machine, unheard }) => {
        const { icon: Icon, tone } = SIGNS[sign];
        const done = t(`world.short.${sign}`);
        const what = unheard ? t("world.unheard", { what: done }) : done;
        const words = machine ? t("world.short_machine", { what }) : what;
        return (
          <span key={sign} title={words} className={cx(machine ? "text-ink-3 opacity-60" : tone || "text-ink-2")}>
            <Icon size={14} aria-hidden />
            <span className="sr-only">{words}</span>
          </span>
        );
      })}
    </span>
  );
}

const SHOWN = "carillon.world.answers";

/** What was done about a mail, one below the other, latest first; folded away on request. */
export function Answers({ answers, name, now }: { answers: readonly WorldAnswer[]; name: string; now: string }) {
  const [shown, setShown] = useState(() => localStorage.getItem(SHOWN) !== "hidden");
  const title = t("world.did", { name });
  const Arrow = shown ? ChevronDown : ChevronRight;
  const latest = answers.map((answer, at) => ({ answer, at })).reverse();
  return (
    <section aria-label={title} className="flex max-h-[38%] shrink-0 flex-col border-line-subtle border-t bg-surface">
      <h3>
        <button
          type="button"
          aria-expanded={shown}
          onClick={() => {
            localStorage.setItem(SHOWN, shown ? "hidden" : "shown");
            setShown(!shown);
          }}
          className="ring-inside flex h-9 w-full items-center gap-2 px-4 font-semibold hover:bg-hover"
        >
          <Arrow size={14} aria-hidden className="-ml-1 shrink-0 text-ink-3" />
          <span className="truncate">{title}</span>
          {answers.length > 0 && <span className="figures font-normal text-ink-3">{count(answers.length)}</span>}
          <span className="flex-1" />
          {!shown && <Signs answers={answers} />}
        </button>
      </h3>
      {shown &&
        (answers.length === 0 ? (
          <p className="px-4 pb-3 text-ink-2">{t("world.did_none")}</p>
        ) : (
          <ScrollBox label={title} className="min-h-0 pb-2">
            <ol aria-live="polite">
              {latest.map(({ answer, at }) => (
                <Line key={at} answer={answer} name={name} now={now} last={at === 0} />
              ))}
            </ol>
          </ScrollBox>
        ))}
    </section>
  );
}

const HANDS = { person: UserRound, machine: Bot, server: Server };

/** Whose hand it was, in a word. */
function HandMark({ of, name }: { of: keyof typeof HANDS; name: string }) {
  const Icon = HANDS[of];
  return (
    <span
      title={t(`world.hands_about.${of}`, { name })}
      className="inline-flex shrink-0 items-center gap-1 text-ink-3 text-table"
    >
      <Icon size={12} aria-hidden />
      {t(`world.hands.${of}`)}
    </span>
  );
}

function Line({ answer, name, now, last }: { answer: WorldAnswer; name: string; now: string; last: boolean }) {
  const by = hand(answer);
  const { icon: Icon, tone } = SIGNS[SIGN_OF[answer.kind]];
  const person = by === "person";
  const what = t(`world.kinds.${answer.kind}`);
  return (
    <li className="relative flex gap-3 px-4 py-1.5">
      <span
        className={cx(
          "relative z-10 mt-0.5 flex size-6 shrink-0 items-center justify-center rounded-full border bg-surface",
          person ? cx("border-line-control", tone || "text-ink-1") : "border-line-control border-dashed text-ink-3",
        )}
      >
        <Icon size={12} aria-hidden />
      </span>
      {!last && <span aria-hidden className="absolute top-8 bottom-[-6px] left-[27px] border-line-subtle border-l" />}
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <span
            title={answer.unheard ? t("world.unheard_about") : undefined}
            className={cx("min-w-0", person ? "font-medium" : "text-ink-2")}
          >
            {answer.unheard ? t("world.unheard", { what }) : what}
            {answer.amount !== null && (
              <span className="figures"> · {money(answer.amount.minor, answer.amount.currency)}</span>
            )}
          </span>
          <HandMark of={by} name={name} />
          <span className="flex-1" />
          <time dateTime={answer.at} title={moment(answer.at)} className="figures shrink-0 text-ink-3 text-meta">
            {ago(answer.at, now)}
          </time>
        </p>
        {answer.url !== null && (
          <p className="truncate font-mono text-ink-2 text-table" title={answer.url}>
            {answer.url}
          </p>
        )}
        {answer.text !== null && answer.text !== "" && (
          <div className="mt-1 border-line-default border-l-2 pl-3">
            <Said text={answer.text} />
          </div>
        )}
      </div>
    </li>
  );
}
