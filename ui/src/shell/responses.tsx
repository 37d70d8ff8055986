import {
  BadgeCheck,
  Ban,
  Bot,
  Hourglass,
  type LucideIcon,
  MailCheck,
  MailOpen,
  MailX,
  MousePointerClick,
  Reply,
  SquarePen,
  ThumbsDown,
} from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { BounceClass } from "@/api/gen/BounceClass";
import type { Response } from "@/api/gen/Response";
import type { ResponseKind } from "@/api/gen/ResponseKind";
import type { ResponseView } from "@/api/gen/ResponseView";
import { Badge, cx, type Tone } from "@/design";
import { ago, moment } from "@/format";
import { t, tx } from "@/i18n";
import { Decide } from "./decide";

const ICONS: Record<ResponseKind, LucideIcon> = {
  delivered: MailCheck,
  delayed: Hourglass,
  bounced: MailX,
  complained: ThumbsDown,
  unsubscribed: Ban,
  opened: MailOpen,
  clicked: MousePointerClick,
  replied: Reply,
  auto_replied: Bot,
  submitted: SquarePen,
  confirmed: BadgeCheck,
};

const CLASS_TONES: Record<BounceClass, Tone> = { hard: "bad", soft: "info", block: "warn" };

/** The rule that decided, in words; a rule that has none is left out. */
export const ruleText = (rule: string | null): string =>
  rule === null ? "" : tx(`replies.rules.${rule.replaceAll("-", "_")}`, "");

/** Whether one may ask who it was: a server's word and a person's letter are what they are. */
const byHand = (kind: ResponseKind) => kind === "opened" || kind === "clicked";

/** The program that opened or clicked, as it called itself; null where it said nothing that can be read. */
export function agentOf({ kind, detail }: Pick<Response, "kind" | "detail">): string | null {
  if (!byHand(kind) || detail === null) return null;
  try {
    const { request } = JSON.parse(detail) as { request?: { agent?: unknown } | null };
    const agent = request?.agent;
    return typeof agent === "string" && agent !== "" ? agent : null;
  } catch {
    return null;
  }
}

/** What was said: a server's reason or a letter's text. Of a hit there is none; what is kept of it is for the rules. */
export function saidText({ kind, detail }: Pick<Response, "kind" | "detail">): string {
  const said = (detail ?? "").trim();
  if (byHand(kind)) return "";
  // Of a complaint it is the kind, by its word of RFC 5965 §7.3.
  return kind === "complained" ? tx(`replies.complaints.${said.toLowerCase().replaceAll("-", "_")}`, said) : said;
}

/** Where an answer came from, in words. */
export function sourceOf(source: string, labels: ReadonlyMap<string, string>): string {
  const [kind = "", object] = source.split(":", 2);
  if (object === "file") return t("replies.sources.file");
  const name = labels.get(source);
  if (name !== undefined && kind !== "relay") return t("replies.sources.named", { name });
  return tx(`replies.sources.${kind}`, source);
}

/** What the sources are called now. */
export function useSourceLabels(): ReadonlyMap<string, string> {
  const { data } = useRead("listening.get", {});
  return new Map(data?.sources.map(({ name, label }) => [name, label]));
}

/** Longer than this, a text is folded. */
const LONG = 480;
const LINES = 8;

/** A text from outside, as text. A long one is folded until somebody wants all of it. */
export function Said({ text, mono = false }: { text: string; mono?: boolean }) {
  const [open, setOpen] = useState(false);
  const long = text.length > LONG || text.split("\n").length > LINES;
  return (
    <div>
      <p
        className={cx(
          "wrap-anywhere whitespace-pre-wrap text-ink-1",
          mono && "font-mono text-ink-2 text-table",
          long && !open && "line-clamp-6",
        )}
      >
        {text}
      </p>
      {long && (
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex h-8 items-center rounded-control font-medium text-accent-text"
        >
          {t(open ? "replies.less" : "replies.whole")}
        </button>
      )}
    </div>
  );
}

/** How lasting a bounce is. */
export function ClassBadge({ of }: { of: BounceClass }) {
  return (
    <Badge tone={CLASS_TONES[of]} dot>
      {t(`replies.classes.${of}`)}
    </Badge>
  );
}

/** What came back for one message, one below the other. */
export function Responses({ rows, now }: { rows: readonly ResponseView[]; now: string }) {
  const labels = useSourceLabels();
  return (
    <ol>
      {rows.map((row, at) => (
        <Line key={row.id} row={row} now={now} labels={labels} last={at === rows.length - 1} />
      ))}
    </ol>
  );
}

function Line({
  row,
  now,
  labels,
  last,
}: {
  row: ResponseView;
  now: string;
  labels: ReadonlyMap<string, string>;
  last: boolean;
}) {
  const Icon = ICONS[row.kind];
  const rule = ruleText(row.rule);
  const agent = agentOf(row);
  const said = saidText(row);
  return (
    <li className="relative flex gap-3 px-4 py-2">
      <span className="relative z-10 mt-0.5 flex size-6 shrink-0 items-center justify-center rounded-full border border-line-subtle bg-surface text-ink-3">
        <Icon size={12} aria-hidden />
      </span>
      {!last && <span aria-hidden className="absolute top-8 bottom-[-8px] left-[27px] border-line-subtle border-l" />}
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline gap-2">
          <span className="min-w-0 flex-1 font-medium">{t(`replies.kinds.${row.kind}`)}</span>
          <time dateTime={row.at} title={moment(row.at)} className="figures shrink-0 text-ink-3 text-meta">
            {ago(row.at, now)}
          </time>
        </p>
        <p className="text-ink-3 text-table first-letter:uppercase">
          {[byHand(row.kind) ? t(`replies.hands.${row.hand}`) : "", sourceOf(row.source, labels)]
            .filter(Boolean)
            .join(", ")}
        </p>
        {row.class !== null && (
          <p className="mt-1">
            <ClassBadge of={row.class} />
          </p>
        )}
        {rule !== "" && <p className="mt-0.5 text-ink-2">{rule}</p>}
        {agent !== null && row.hand !== "human" && (
          <p className="wrap-anywhere line-clamp-2 text-ink-3 text-table" title={agent}>
            {t("replies.agent", { agent })}
          </p>
        )}
        {row.link !== null && <p className="break-all font-mono text-ink-2 text-table">{row.link}</p>}
        {said !== "" && (
          <div className="mt-1 border-line-default border-l-2 pl-3">
            <Said text={said} mono={row.kind === "bounced" || row.kind === "delayed"} />
          </div>
        )}
        {row.may_leave !== null && (
          <div className="mt-2">
            <Decide of={row} who={row.email} />
          </div>
        )}
      </div>
    </li>
  );
}
