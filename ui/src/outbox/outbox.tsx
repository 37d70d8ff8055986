import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Pause, Play, Send } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { MessageState } from "@/api/gen/MessageState";
import type { OutboxRow } from "@/api/gen/OutboxRow";
import type { OutboxSummary } from "@/api/gen/OutboxSummary";
import {
  Button,
  type Column,
  Confirm,
  cx,
  EmptyState,
  ErrorNote,
  ErrorView,
  Grid,
  Note,
  PageHead,
  SearchInput,
  StatusDot,
  say,
  sayError,
} from "@/design";
import { ago, count, moment } from "@/format";
import { hasWords, t, tx } from "@/i18n";
import { ExportMenu } from "@/shell/export";
import { useNow } from "@/shell/now";
import { usePages } from "@/shell/pages";
import { MESSAGE_TONES } from "@/shell/tones";
import { MessagePanel } from "./message";

const route = getRouteApi("/outbox");

const GROUPS: Record<string, MessageState[]> = {
  attention: ["unknown", "frozen"],
  waiting: ["queued", "claimed", "in_flight", "deferred"],
  accepted: ["accepted"],
  bounced: ["bounced"],
  held: ["suppressed", "expired", "cancelled"],
};

/** Every message that leaves, left, or did not. */
export function OutboxScreen() {
  const navigate = useNavigate();
  const { q, state, message } = route.useSearch();
  const [typed, setTyped] = useState(q ?? "");
  const search = useDeferredValue(typed.trim());
  const now = useNow();
  const summary = useRead("outbox.summary", {});
  const states = GROUPS[state ?? ""] ?? [];
  const list = usePages("outbox.page", { states, journey: null, search: search === "" ? null : search });
  const total = list.total ?? 0;
  const change = (next: { q?: string; state?: string; message?: number }) =>
    void navigate({ to: "/outbox", search: { q, state, message, ...next }, replace: true });
  const filtered = search !== "" || state !== undefined;
  if (list.error !== null && list.total === undefined) return <ErrorView error={list.error} onRetry={list.refetch} />;
  return (
    <>
      <PageHead
        title={t("outbox.title")}
        about={list.total === undefined ? undefined : t("outbox.count", { n: total })}
      >
        <ExportMenu
          list={{ of: "messages", states, journey: null, search: search === "" ? null : search }}
          name="messages"
          disabled={total === 0}
        />
        {summary.data !== undefined && <PauseButton summary={summary.data} />}
      </PageHead>
      {summary.data !== undefined && <Notices summary={summary.data} />}
      <div className="flex shrink-0 flex-wrap items-center gap-2 px-6 pb-3">
        <SearchInput
          className="w-72"
          label={t("outbox.search")}
          value={typed}
          onChange={(next) => {
            setTyped(next);
            change({ q: next.trim() === "" ? undefined : next.trim() });
          }}
        />
        <Filters summary={summary.data} state={state} onState={(next) => change({ state: next })} />
      </div>
      {list.error !== null && (
        <div className="px-6 pb-3">
          <ErrorNote error={list.error} onRetry={list.refetch} />
        </div>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the message from the table as from within. */}
      <div
        className="flex min-h-0 flex-1 border-line-subtle border-t"
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.defaultPrevented || message === undefined) return;
          change({ message: undefined });
          // What had the keyboard may go with the message.
          event.currentTarget.querySelector<HTMLElement>("[role='grid']")?.focus();
        }}
      >
        <Grid
          label={t("outbox.title")}
          columns={columns(now)}
          rows={total}
          rowAt={list.rowAt}
          onRange={list.onRange}
          onOpen={(row) => change({ message: row.id })}
          chosen={(row) => row.id === message}
          empty={
            list.total === undefined ? undefined : filtered ? (
              <EmptyState icon={Send} title={t("outbox.none_found")} about={t("outbox.none_found_about")}>
                <Button
                  onClick={() => {
                    setTyped("");
                    change({ q: undefined, state: undefined });
                  }}
                >
                  {t("outbox.show_all")}
                </Button>
              </EmptyState>
            ) : (
              <EmptyState icon={Send} title={t("outbox.empty")} about={t("outbox.empty_about")} />
            )
          }
        />
        {message !== undefined && (
          <MessagePanel id={message} now={now} onClose={() => change({ message: undefined })} />
        )}
      </div>
    </>
  );
}

function columns(now: string): Column<OutboxRow>[] {
  return [
    {
      key: "to",
      title: t("outbox.columns.to"),
      width: 240,
      cell: (row) => <span className="font-medium">{row.to}</span>,
    },
    { key: "subject", title: t("outbox.columns.subject"), width: 280, cell: (row) => row.subject },
    {
      key: "state",
      title: t("outbox.columns.state"),
      width: 120,
      cell: (row) => (
        <StatusDot tone={MESSAGE_TONES[row.state]} pulse={row.state === "in_flight"}>
          {t(`common.message_states.${row.state}`)}
        </StatusDot>
      ),
    },
    {
      key: "journey",
      title: t("outbox.columns.why"),
      width: 220,
      cell: (row) => (
        <span className="text-ink-2">{[row.journey_name, row.step_title].filter(Boolean).join(" · ")}</span>
      ),
    },
    {
      key: "queued",
      title: t("outbox.columns.queued"),
      width: 130,
      numeric: true,
      cell: (row) => <span title={moment(row.queued_at)}>{ago(row.queued_at, now)}</span>,
    },
    {
      key: "word",
      title: t("outbox.columns.word"),
      width: 260,
      cell: (row) => <span className="text-ink-2">{row.last_word}</span>,
    },
  ];
}

function PauseButton({ summary }: { summary: OutboxSummary }) {
  const pause = useWrite("outbox.pause", { onError: sayError });
  const resume = useWrite("outbox.resume", { onError: sayError });
  return summary.sending.paused ? (
    <Button look="primary" icon={Play} busy={resume.isPending} onClick={() => resume.mutate({})}>
      {t("outbox.resume")}
    </Button>
  ) : (
    <Button icon={Pause} busy={pause.isPending} onClick={() => pause.mutate({})}>
      {t("outbox.pause")}
    </Button>
  );
}

function Filters({
  summary,
  state,
  onState,
}: {
  summary: OutboxSummary | undefined;
  state: string | undefined;
  onState: (state: string | undefined) => void;
}) {
  const countOf = (group: string) =>
    summary?.by_state.filter((each) => GROUPS[group]?.includes(each.state)).reduce((sum, each) => sum + each.count, 0);
  return (
    <div role="group" aria-label={t("outbox.filter")} className="flex gap-1">
      {[undefined, ...Object.keys(GROUPS)].map((group) => {
        const n = group === undefined ? undefined : countOf(group);
        const on = group === state;
        return (
          <button
            key={group ?? "all"}
            type="button"
            aria-pressed={on}
            onClick={() => onState(group)}
            className={cx(
              "flex h-8 items-center gap-1.5 whitespace-nowrap rounded-control px-2.5 font-medium",
              on ? "bg-selected text-ink-1" : "text-ink-2 hover:bg-hover hover:text-ink-1",
            )}
          >
            {group === undefined ? t("outbox.groups.all") : tx(`outbox.groups.${group}`, group)}
            {n !== undefined && n > 0 && (
              <span className={cx("figures text-meta", group === "attention" ? "text-warn" : "text-ink-3")}>
                {count(n)}
              </span>
            )}
          </button>
        );
      })}
    </div>
  );
}

function Notices({ summary }: { summary: OutboxSummary }) {
  const closed = summary.closed;
  const words = closed !== null && hasWords(`outbox.closed.${closed}`);
  const unresolved = UNRESOLVED.flatMap((state) => {
    const n = summary.by_state.find((each) => each.state === state)?.count ?? 0;
    return n > 0 ? [{ state, n }] : [];
  });
  if (closed === null && unresolved.length === 0 && summary.troubles.length === 0) return null;
  return (
    <div className="space-y-2 px-6 pb-3">
      {closed !== null && (
        <Note
          tone={closed === "sample" ? "neutral" : "warn"}
          title={words ? tx(`outbox.closed.${closed}`, closed) : closed}
          actions={
            closed === "no_account" ? (
              <Link
                to="/settings"
                search={{ part: "sending" }}
                className="flex h-8 items-center self-center px-2 font-medium text-accent-text"
              >
                {t("settings.accounts.add")}
              </Link>
            ) : closed === "no_opt_out_source" ? (
              <Link
                to="/settings"
                search={{ part: "replies" }}
                className="flex h-8 shrink-0 items-center self-center px-2 font-medium text-accent-text"
              >
                {t("outbox.listening")}
              </Link>
            ) : undefined
          }
        >
          {tx(`outbox.closed_about.${closed}`, "")}
        </Note>
      )}
      {summary.troubles.map((trouble) => (
        <Note key={trouble} tone="warn">
          {trouble}
        </Note>
      ))}
      {unresolved.map(({ state, n }) => (
        <Unresolved key={state} state={state} n={n} />
      ))}
    </div>
  );
}

type Fate = "sent" | "unknown" | "cancelled";
type Unresolved = "unknown" | "frozen";
const UNRESOLVED: readonly Unresolved[] = ["unknown", "frozen"];

/** Messages whose fate a person has to tell: all of a state at once. */
function Unresolved({ state, n }: { state: Unresolved; n: number }) {
  const [asking, setAsking] = useState<Fate | null>(null);
  const resolve = useWrite("outbox.resolve_state", {
    onSuccess: ({ changed }) => {
      setAsking(null);
      say(t("outbox.resolved", { n: changed }));
    },
    onError: sayError,
  });
  return (
    <>
      <Note
        tone="warn"
        title={t("outbox.batch", { n })}
        actions={
          <div className="flex gap-2 self-center">
            <Button onClick={() => setAsking("sent")}>{t("outbox.as.sent")}</Button>
            <Button onClick={() => setAsking("cancelled")}>{t("outbox.as.cancelled")}</Button>
            {state === "frozen" && <Button onClick={() => setAsking("unknown")}>{t("outbox.as.unknown")}</Button>}
          </div>
        }
      >
        {t(`outbox.batch_why.${state}`)}
      </Note>
      {asking !== null && (
        <Confirm
          open
          danger={asking !== "unknown"}
          onClose={() => setAsking(null)}
          onConfirm={() => resolve.mutate({ state, as: asking, ids: null })}
          busy={resolve.isPending}
          title={t(`outbox.ask.${asking}`, { n })}
          about={t(`outbox.ask_about.${asking}`)}
          action={t(`outbox.as.${asking}`)}
        />
      )}
    </>
  );
}
