import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Ban, Bot, type LucideIcon, MailX, Reply, ThumbsDown } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { ResponseKind } from "@/api/gen/ResponseKind";
import type { ResponseView } from "@/api/gen/ResponseView";
import { Button, EmptyState, ErrorView, PageHead, SkeletonLines, Tabs } from "@/design";
import { ago, moment } from "@/format";
import { t } from "@/i18n";
import { Decide } from "@/shell/decide";
import { useNow } from "@/shell/now";
import { ClassBadge, ruleText, Said, saidText, sourceOf, useSourceLabels } from "@/shell/responses";

const route = getRouteApi("/replies");

const TABS = ["replied", "bounced", "complained", "unsubscribed", "auto_replied"] as const satisfies ResponseKind[];
type Tab = (typeof TABS)[number];

const ICONS: Record<Tab, LucideIcon> = {
  replied: Reply,
  bounced: MailX,
  complained: ThumbsDown,
  unsubscribed: Ban,
  auto_replied: Bot,
};

/** Rows of one page. */
const LIMIT = 50;

/** What people and their servers answered, of all messages. */
export function RepliesScreen() {
  const navigate = useNavigate();
  const { tab } = route.useSearch();
  const shown = TABS.find((each) => each === tab) ?? "replied";
  return (
    <>
      <PageHead title={t("replies.title")} about={t("replies.about")} />
      <Undecided />
      <Tabs
        label={t("replies.tabs_label")}
        className="min-h-0 flex-1"
        value={shown}
        onChange={(next) => void navigate({ to: "/replies", search: { tab: next }, replace: true })}
        tabs={TABS.map((kind) => ({
          value: kind,
          label: t(`replies.tabs.${kind}`),
          panel: <List kind={kind} />,
        }))}
      />
    </>
  );
}

/** Replies that may be wishes to be left alone, before everything else: somebody waits for an answer. */
function Undecided() {
  const now = useNow();
  const labels = useSourceLabels();
  const { data } = useRead("responses.undecided", {});
  if (data === undefined || data.count === 0) return null;
  return (
    <section
      aria-labelledby="undecided"
      className="max-h-[50vh] shrink-0 overflow-auto border-line-subtle border-b py-3"
    >
      <div className="max-w-220 px-6">
        <h2 id="undecided" className="font-semibold">
          {t("replies.may_leave.heading", { n: data.count })}
        </h2>
        <ul className="divide-y divide-line-subtle">
          {data.rows.map((row) => (
            <Row key={row.id} row={row} now={now} labels={labels} />
          ))}
        </ul>
      </div>
    </section>
  );
}

function List({ kind }: { kind: Tab }) {
  const now = useNow();
  const labels = useSourceLabels();
  const first = useRead("responses.page", { kind, below: null, limit: LIMIT });
  if (first.isError) return <ErrorView error={first.error} onRetry={() => void first.refetch()} />;
  if (first.data === undefined) return <SkeletonLines lines={10} />;
  if (first.data.rows.length === 0) return <Nothing kind={kind} />;
  return (
    <div className="max-w-220 px-6 py-2">
      <Rows kind={kind} below={null} now={now} labels={labels} />
    </div>
  );
}

function Nothing({ kind }: { kind: Tab }) {
  const listening = useRead("listening.get", {});
  const deaf = listening.data?.sources.length === 0;
  return deaf ? (
    <EmptyState icon={ICONS[kind]} title={t("replies.nobody_listens")} about={t("replies.nobody_listens_about")}>
      <Link
        to="/settings"
        search={{ part: "replies" }}
        className="flex h-8 items-center rounded-control bg-accent-solid px-3 font-medium text-on-accent hover:bg-accent-hover"
      >
        {t("replies.set_up")}
      </Link>
    </EmptyState>
  ) : (
    <EmptyState icon={ICONS[kind]} title={t(`replies.none.${kind}`)} about={t(`replies.none_about.${kind}`)} />
  );
}

interface Shown {
  kind: Tab;
  now: string;
  labels: ReadonlyMap<string, string>;
}

/** The rows below one, and those below the last of them once somebody wants them. */
function Rows({ kind, below, now, labels }: Shown & { below: number | null }) {
  const page = useRead("responses.page", { kind, below, limit: LIMIT });
  const [more, setMore] = useState(false);
  if (page.isError) return <ErrorView error={page.error} onRetry={() => void page.refetch()} />;
  if (page.data === undefined) return <SkeletonLines />;
  const { rows } = page.data;
  const last = rows.at(-1);
  // Those that wait for a decision stand above.
  const settled = rows.filter((row) => row.may_leave !== "open");
  return (
    <>
      {settled.length === 0 && <p className="py-3 text-ink-2">{t("replies.may_leave.all_above")}</p>}
      <ul className="divide-y divide-line-subtle">
        {settled.map((row) => (
          <Row key={row.id} row={row} now={now} labels={labels} />
        ))}
      </ul>
      {page.data.more && last !== undefined && (
        <div className="border-line-subtle border-t">
          {more ? (
            <Rows kind={kind} below={last.id} now={now} labels={labels} />
          ) : (
            <Button className="my-3" onClick={() => setMore(true)}>
              {t("replies.more")}
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function Row({ row, now, labels }: { row: ResponseView; now: string; labels: ReadonlyMap<string, string> }) {
  const said = saidText(row);
  const rule = ruleText(row.rule);
  return (
    <li className="py-3">
      <p className="flex flex-wrap items-baseline gap-x-3">
        <span className="min-w-0 max-w-full truncate font-medium">
          {row.contact !== null && row.email !== null ? (
            <Link
              to="/contacts/$contact"
              params={{ contact: String(row.contact) }}
              className="underline decoration-line-control underline-offset-2 hover:text-accent-text"
            >
              {row.email}
            </Link>
          ) : (
            <span className="text-ink-2">{t("replies.nobody")}</span>
          )}
        </span>
        <span className="min-w-0 flex-1 basis-60 truncate text-ink-2">
          {row.message !== null ? (
            <Link to="/outbox" search={{ message: row.message }} className="hover:text-accent-text">
              {row.subject === null || row.subject === "" ? t("replies.no_subject") : row.subject}
            </Link>
          ) : (
            <span className="text-ink-3">{t("replies.no_message")}</span>
          )}
        </span>
        <time dateTime={row.at} title={moment(row.at)} className="figures shrink-0 text-ink-3 text-table">
          {ago(row.at, now)}
        </time>
      </p>
      <div className="mt-1 space-y-1">
        {(row.class !== null || rule !== "") && (
          <p className="flex flex-wrap items-center gap-2">
            {row.class !== null && <ClassBadge of={row.class} />}
            {rule !== "" && <span className="text-ink-2">{rule}</span>}
          </p>
        )}
        {said !== "" ? (
          <Said text={said} mono={row.kind === "bounced"} />
        ) : (
          row.kind === "replied" && <p className="text-ink-3">{t("replies.no_text")}</p>
        )}
        <p className="text-ink-3 text-meta first-letter:uppercase">{sourceOf(row.source, labels)}</p>
        <Decide of={row} who={row.email} />
      </div>
    </li>
  );
}
