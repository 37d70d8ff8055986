import { Link } from "@tanstack/react-router";
import { ContactRound, Inbox, MailSearch, Paperclip, Send } from "lucide-react";
import { type Ref, useState } from "react";
import { useRead } from "@/api/client";
import type { WorldMail } from "@/api/gen/WorldMail";
import type { WorldMailRow } from "@/api/gen/WorldMailRow";
import { host } from "@/api/host";
import { EmptyState, ErrorView, IconButton, ScrollBox, Skeleton, SkeletonLines, Tabs } from "@/design";
import { bytes, moment } from "@/format";
import { t } from "@/i18n";
import { Acts } from "./acts";
import { Answers, Persona } from "./answers";
import { nameOf } from "./list";

type Tab = "mail" | "text" | "headers";

/** One mail as its recipient has it, what they did about it, and what can be done in their place. */
export function MailPane({
  id,
  row,
  now,
  replying,
  onReplying,
  onOnlyTo,
  ref,
}: {
  id: number;
  /** The mail in the list, where it is at hand: its head is shown at once. */
  row: WorldMailRow | undefined;
  now: string;
  replying: boolean;
  onReplying: (replying: boolean) => void;
  onOnlyTo: (address: string) => void;
  ref?: Ref<HTMLElement>;
}) {
  // What frame shows it is known for a while only; whoever comes back asks again.
  const mail = useRead("world.mail", { id }, { gcTime: 0 });
  const [tab, setTab] = useState<Tab>("mail");
  const shown = mail.data?.row ?? row;
  return (
    <section ref={ref} tabIndex={-1} aria-label={t("world.mail")} className="flex h-full min-h-0 flex-col outline-none">
      {mail.isError && mail.data === undefined ? (
        <ErrorView error={mail.error} onRetry={() => void mail.refetch()} />
      ) : (
        <>
          {shown === undefined ? <HeadWaiting /> : <Head row={shown} onOnlyTo={onOnlyTo} />}
          {mail.data === undefined ? (
            <SkeletonLines lines={8} />
          ) : (
            <Content
              key={id}
              mail={mail.data}
              now={now}
              tab={tab}
              onTab={setTab}
              replying={replying}
              onReplying={onReplying}
            />
          )}
        </>
      )}
    </section>
  );
}

/** Beside the list while no mail is chosen. */
export function NoMail() {
  return <EmptyState icon={MailSearch} title={t("world.choose")} about={t("world.choose_about")} />;
}

function HeadWaiting() {
  return (
    <div aria-busy="true" className="space-y-3 px-4 py-4">
      <Skeleton className="h-5 w-2/3" />
      <Skeleton className="h-4 w-1/2" />
      <Skeleton className="h-4 w-1/3" />
    </div>
  );
}

function Head({ row, onOnlyTo }: { row: WorldMailRow; onOnlyTo: (address: string) => void }) {
  const way =
    "flex size-8 shrink-0 items-center justify-center rounded-control text-ink-2 hover:bg-hover hover:text-ink-1";
  return (
    <header className="shrink-0 px-4 pt-3 pb-2">
      <div className="flex items-start gap-2">
        <h2 className="wrap-anywhere line-clamp-2 min-w-0 flex-1 py-1 font-semibold text-section">
          {row.subject === "" ? t("world.no_subject") : row.subject}
        </h2>
        <IconButton icon={Inbox} label={t("world.their_mails")} onClick={() => onOnlyTo(row.to)} />
        {row.contact !== null && (
          <Link
            to="/contacts/$contact"
            params={{ contact: String(row.contact) }}
            aria-label={t("world.contact")}
            title={t("world.contact")}
            className={way}
          >
            <ContactRound size={16} aria-hidden />
          </Link>
        )}
        {row.message !== null && (
          <Link
            to="/outbox"
            search={{ message: row.message }}
            aria-label={t("world.message")}
            title={t("world.message")}
            className={way}
          >
            <Send size={16} aria-hidden />
          </Link>
        )}
      </div>
      <dl className="mt-1 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5">
        <dt className="text-ink-3">{t("world.from")}</dt>
        <dd className="truncate">{row.from}</dd>
        <dt className="text-ink-3">{t("world.to")}</dt>
        <dd className="flex min-w-0 items-center gap-2">
          {row.name !== "" && <span className="truncate font-medium">{row.name}</span>}
          <span className="truncate text-ink-2">{row.to}</span>
          <Persona of={row.persona} />
        </dd>
        <dt className="text-ink-3">{t("world.received")}</dt>
        <dd className="figures">
          <time dateTime={row.received_at}>{moment(row.received_at)}</time>
        </dd>
      </dl>
    </header>
  );
}

function Content({
  mail,
  now,
  tab,
  onTab,
  replying,
  onReplying,
}: {
  mail: WorldMail;
  now: string;
  tab: Tab;
  onTab: (tab: Tab) => void;
  replying: boolean;
  onReplying: (replying: boolean) => void;
}) {
  // A mail stays as it is: each answer brings another ticket, and the frame would begin anew.
  const [frame] = useState(mail.frame);
  const name = nameOf(mail.row);
  return (
    <>
      <Acts mail={mail} name={name} replying={replying} onReplying={onReplying} />
      <Tabs
        label={t("world.view")}
        className="min-h-0 flex-1"
        value={tab}
        onChange={onTab}
        tabs={[
          {
            value: "mail",
            label: t("world.tabs.mail"),
            panel:
              frame === null ? (
                <>
                  <p className="px-4 pt-2 text-ink-3 text-table">{t("world.no_html")}</p>
                  <Plain text={mail.text} />
                </>
              ) : (
                <div className="flex h-full min-h-60 flex-col">
                  {mail.links.some((link) => !link.hidden) && (
                    <p className="shrink-0 truncate px-4 py-1.5 text-ink-3 text-table">{t("world.frame_links")}</p>
                  )}
                  <iframe
                    title={t("world.frame")}
                    src={host().frameUrl(frame)}
                    sandbox=""
                    referrerPolicy="no-referrer"
                    className="block min-h-0 w-full flex-1 bg-white"
                  />
                </div>
              ),
          },
          { value: "text", label: t("world.tabs.text"), panel: <Plain text={mail.text} /> },
          { value: "headers", label: t("world.tabs.headers"), panel: <Headers mail={mail} /> },
        ]}
      />
      {/* While one writes, the room belongs to the mail that is answered. */}
      {!replying && <Answers answers={mail.row.answers} name={name} now={now} />}
    </>
  );
}

function Plain({ text }: { text: string }) {
  return text === "" ? (
    <p className="p-4 text-ink-2">{t("world.no_text")}</p>
  ) : (
    <pre className="wrap-anywhere whitespace-pre-wrap p-4 font-mono text-table">{text}</pre>
  );
}

function Headers({ mail }: { mail: WorldMail }) {
  return (
    <ScrollBox label={t("world.head")} className="h-full">
      <dl className="divide-y divide-line-subtle px-4 py-2 font-mono text-table">
        {mail.headers.map((header, at) => (
          <div key={at} className="grid grid-cols-[minmax(96px,1fr)_3fr] gap-3 py-1.5">
            <dt className="wrap-anywhere text-ink-3">{header.name}</dt>
            <dd className="wrap-anywhere">{header.value}</dd>
          </div>
        ))}
      </dl>
      {mail.parts.length > 0 && (
        <>
          <h3 className="border-line-subtle border-t px-4 pt-3 font-semibold">{t("world.parts")}</h3>
          <ul className="px-4 pt-1 pb-4">
            {mail.parts.map((part, at) => (
              <li key={at} className="flex items-center gap-2 py-0.5">
                <Paperclip size={14} aria-hidden className="shrink-0 text-ink-3" />
                {part.name !== null && <span className="truncate font-medium">{part.name}</span>}
                <span className="figures text-ink-2">
                  {t("world.part", { type: part.content_type, size: bytes(part.bytes) })}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </ScrollBox>
  );
}
