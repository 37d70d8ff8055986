import { Link } from "@tanstack/react-router";
import {
  BadgeCheck,
  Ban,
  Bot,
  Check,
  FileDown,
  Globe,
  Hourglass,
  type LucideIcon,
  Mail,
  MailCheck,
  MailOpen,
  MailX,
  MousePointerClick,
  Reply,
  ScanFace,
  SlidersHorizontal,
  SquarePen,
  ThumbsDown,
  UserPlus,
  Waypoints,
  X,
  Zap,
} from "lucide-react";
import type { Prop } from "@/api/gen/Prop";
import type { TimelineEntry } from "@/api/gen/TimelineEntry";
import { ago, moment, money, number } from "@/format";
import { t, tx } from "@/i18n";
import { ruleText } from "./responses";
import { eventTitle } from "./vocabulary";

const words = (name: string) => name.replaceAll("_", " ");

/** Events Carillon itself hears of, with their signs. */
const EVENT_ICONS: Readonly<Record<string, LucideIcon>> = {
  email_delivered: MailCheck,
  email_opened: MailOpen,
  email_clicked: MousePointerClick,
  email_replied: Reply,
  email_auto_replied: Bot,
  email_bounced: MailX,
  email_complained: ThumbsDown,
  email_unsubscribed: Ban,
  email_confirmed: BadgeCheck,
  form_submitted: SquarePen,
  preferences_saved: SlidersHorizontal,
  identified: ScanFace,
  page_viewed: Globe,
};

const CONSENT_ICONS = { granted: Check, withdrawn: X, requested: Hourglass } as const;

/** What such an event says about the run of the journey, and nobody reads. */
const PLUMBING = new Set(["step", "passage", "journey_id", "enrolment", "visit", "message", "version"]);

/** What says enough without the name of its property, in the order it is told. */
const PLAIN: Readonly<Record<string, (value: string) => string>> = {
  link: String,
  class: (value) => tx(`replies.classes.${value}`, value),
  kind: (value) => ruleText(value) || words(value),
  form: String,
  page: String,
  template: String,
  journey: String,
};

/** An event's properties in a line: what a person would tell of it. */
export function eventAbout(name: string, props: Readonly<Record<string, Prop | undefined>>): string {
  const ours = EVENT_ICONS[name] !== undefined;
  const plain = ours ? Object.entries(PLAIN) : [];
  const told = plain.flatMap(([key, say]) => {
    const value = props[key];
    return typeof value === "string" && value !== "" ? [say(value)] : [];
  });
  const others = Object.entries(props).flatMap(([key, of]) =>
    of === undefined || (ours && (PLUMBING.has(key) || key in PLAIN)) ? [] : [`${words(key)} ${prop(of)}`],
  );
  return [...told, ...others].slice(0, 4).join(" · ");
}

function prop(of: Prop): string {
  if (typeof of === "boolean") return of ? t("common.yes") : t("common.no");
  if (typeof of === "number") return number(of);
  return typeof of === "string" ? of : money(of.minor, of.currency);
}

/** Where a value came from, in words: `import:12` is "import 12". */
export function sourceText(source: string): string {
  if (source.startsWith("undo:")) return t("contacts.sources.undo", { what: sourceText(source.slice(5)) });
  const [kind = "", object = ""] = source.split(":", 2);
  return tx(`contacts.sources.${kind}`, source, { object });
}

function shown(entry: TimelineEntry): { icon: LucideIcon; title: string; about?: string } {
  switch (entry.entry) {
    case "created":
      return { icon: UserPlus, title: t("contacts.timeline.created"), about: sourceText(entry.source) };
    case "event":
      return {
        icon: EVENT_ICONS[entry.event.name] ?? Zap,
        title: eventTitle(entry.event.name),
        about: eventAbout(entry.event.name, entry.event.props),
      };
    case "message":
      return {
        icon: Mail,
        title: entry.subject,
        about: [t(`common.message_states.${entry.state}`), entry.journey].filter(Boolean).join(" · "),
      };
    case "consent":
      return {
        icon: CONSENT_ICONS[entry.consent.action],
        title: t(`contacts.timeline.${entry.consent.action}`, {
          purpose: t(`common.purposes.${entry.consent.purpose}`),
          channel: t(`common.by_channel.${entry.consent.channel}`),
        }),
        about: `${t(`common.bases.${entry.consent.basis}`)} · ${sourceText(entry.consent.source)}`,
      };
    case "suppressed":
      return {
        icon: Ban,
        title: t("contacts.timeline.suppressed"),
        about: t(`common.suppression_reasons.${entry.reason}`),
      };
    case "journey":
      return {
        icon: Waypoints,
        title: tx(`contacts.timeline.journey_${entry.what}`, entry.journey, { journey: entry.journey }),
        about: entry.step ?? undefined,
      };
    case "import":
      return {
        icon: FileDown,
        title: t("contacts.timeline.import", { name: entry.name }),
        about: tx(`contacts.timeline.import_${entry.what}`, "", { n: entry.new }),
      };
    case "published":
      return {
        icon: Waypoints,
        title: t("contacts.timeline.published", { journey: entry.journey }),
        about: t("contacts.timeline.version", { version: entry.version }),
      };
  }
}

/** What happened, newest first. With `people`, each line names whom it happened to. */
export function Timeline({
  entries,
  now,
  people = false,
}: {
  entries: readonly TimelineEntry[];
  now: string;
  people?: boolean;
}) {
  return (
    <ol>
      {entries.map((entry, at) => {
        const { icon: Icon, title, about } = shown(entry);
        return (
          <li key={`${entry.at}-${at}`} className="relative flex gap-3 px-4 py-1.5">
            <span className="relative z-10 mt-0.5 flex size-6 shrink-0 items-center justify-center rounded-full border border-line-subtle bg-surface text-ink-3">
              <Icon size={12} aria-hidden />
            </span>
            {at < entries.length - 1 && (
              <span aria-hidden className="absolute top-7 bottom-[-6px] left-[27px] border-line-subtle border-l" />
            )}
            <span className="min-w-0 flex-1">
              <span className="flex items-baseline gap-2">
                <span className="min-w-0 flex-1 truncate first-letter:uppercase">{title}</span>
                <time dateTime={entry.at} title={moment(entry.at)} className="figures shrink-0 text-ink-3 text-meta">
                  {ago(entry.at, now)}
                </time>
              </span>
              {(about !== undefined || (people && entry.contact)) && (
                <span className="block truncate text-ink-3 text-table">
                  {people && entry.contact && (
                    <Link
                      to="/contacts/$contact"
                      params={{ contact: String(entry.contact.id) }}
                      className="text-ink-2 underline decoration-line-control underline-offset-2 hover:text-accent-text"
                    >
                      {entry.contact.email}
                    </Link>
                  )}
                  {people && entry.contact && about !== undefined && about !== "" && " · "}
                  {about}
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
