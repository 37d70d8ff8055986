import { Link } from "@tanstack/react-router";
import { ArrowRight, Check, Circle, Play, X } from "lucide-react";
import type { ReactNode } from "react";
import { useRead, useWrite } from "@/api/client";
import type { HomeOverview } from "@/api/gen/HomeOverview";
import {
  Button,
  Card,
  Columns,
  cx,
  ErrorView,
  IconButton,
  Note,
  PageHead,
  Skeleton,
  StatusDot,
  sayError,
} from "@/design";
import { ago, count, moment, percent, shortDay } from "@/format";
import { t, tx } from "@/i18n";
import { useUndecided } from "@/shell/decide";
import { endHint, useHint } from "@/shell/hints";
import { useClock, useNow } from "@/shell/now";
import { Timeline } from "@/shell/timeline";
import { JOURNEY_TONES } from "@/shell/tones";
import { workspaceName } from "@/workspaces/name";
import { WelcomeBack } from "./absence";

/** What is going on, at a glance. */
export function HomeScreen() {
  const overview = useRead("home.overview", {});
  const workspace = useRead("workspaces.current", {});
  const now = useNow();
  const info = workspace.data;
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <div className="mx-auto max-w-[1280px]">
        <PageHead
          title={info ? workspaceName({ name: info.workspace.name, file: info.file }) : ""}
          about={info?.workspace.organisation === info?.workspace.name ? undefined : info?.workspace.organisation}
        />
        <div className="space-y-4 px-6 pb-8">
          {info?.warnings.map((warning) => (
            <Note key={warning} tone="warn">
              {tx(`workspaces.warnings.${warning}`, warning)}
            </Note>
          ))}
          <StandingClock />
          <WelcomeBack />
          <Undecided />
          {info?.workspace.sample === true && <PeopleAnswer />}
          {overview.isError ? (
            <ErrorView error={overview.error} onRetry={() => void overview.refetch()} />
          ) : (
            <Overview data={overview.data} now={now} />
          )}
        </div>
      </div>
    </div>
  );
}

/** Replies that wait for a decision: marketing to these people rests meanwhile. */
function Undecided() {
  const n = useUndecided();
  if (n === 0) return null;
  return (
    <Note
      tone="warn"
      title={t("replies.may_leave.heading", { n })}
      actions={
        <Link
          to="/replies"
          search={{}}
          className="flex h-8 shrink-0 items-center self-center rounded-control px-3 font-medium text-accent-text hover:bg-hover"
        >
          {t("replies.may_leave.look")}
        </Link>
      }
    >
      {t("replies.may_leave.home_about")}
    </Note>
  );
}

const A_DAY_A_SECOND = 86_400;

/** Nothing moves by itself on a virtual clock: that is said until somebody has played one. */
function StandingClock() {
  const { clock } = useClock();
  const hinted = useHint("clock");
  const play = useWrite("clock.play", { onSuccess: () => endHint("clock"), onError: sayError });
  if (!hinted || clock?.kind !== "virtual" || clock.speed > 0 || clock.next_due === null) return null;
  return (
    <Note
      tone="live"
      title={t("home.standing")}
      actions={
        <span className="flex shrink-0 items-center gap-1 self-center">
          <Button
            look="primary"
            icon={Play}
            busy={play.isPending}
            onClick={() => play.mutate({ speed: A_DAY_A_SECOND })}
          >
            {t("home.play")}
          </Button>
          <IconButton icon={X} label={t("common.close")} onClick={() => endHint("clock")} />
        </span>
      }
    >
      {t("home.standing_about")}
    </Note>
  );
}

/** In a sample, people answer what was sent: that is said until somebody has looked at them. */
function PeopleAnswer() {
  const hinted = useHint("world");
  // One thing at a time: the clock comes first.
  const clock = useHint("clock");
  const { data } = useRead("world.get", {}, { enabled: hinted && !clock });
  if (!hinted || clock || data === undefined || data.mails === 0) return null;
  return (
    <Note
      tone="accent"
      title={t("home.world", { n: data.mails })}
      actions={
        <span className="flex shrink-0 items-center gap-1 self-center">
          <Link to="/world" className="flex h-8 items-center gap-1 px-2 font-medium text-accent-text">
            {t("home.world_open")}
            <ArrowRight size={14} aria-hidden />
          </Link>
          <IconButton icon={X} label={t("common.close")} onClick={() => endHint("world")} />
        </span>
      }
    >
      {t("home.world_about")}
    </Note>
  );
}

function Overview({ data, now }: { data: HomeOverview | undefined; now: string }) {
  const open = data?.checklist.filter((each) => !each.done).length ?? 0;
  const sent = data?.accepted_by_day.reduce((sum, each) => sum + each.count, 0) ?? 0;
  const most = Math.max(0, ...(data?.accepted_by_day.map((each) => each.count) ?? []));
  return (
    <>
      <section
        aria-label={t("home.figures")}
        className="grid grid-cols-4 divide-x divide-line-subtle rounded-card border border-line-subtle bg-surface"
      >
        <Figure
          to="/contacts"
          label={t("home.contacts")}
          value={data && count(data.contacts)}
          note={
            data &&
            (data.contacts === 0
              ? t("home.no_contacts")
              : t("home.permitted", { share: percent(data.permitted / data.contacts) }))
          }
        />
        <Figure
          to="/journeys"
          label={t("home.in_journeys")}
          value={data && count(data.in_journeys)}
          note={data && t("home.live_journeys", { n: data.live_journeys })}
          live={(data?.in_journeys ?? 0) > 0}
        />
        <Figure
          to="/outbox"
          label={t("home.messages_today")}
          value={data && count(data.messages_today)}
          note={data && t("home.messages_week", { n: data.messages_7_days })}
        />
        <Figure
          to="/outbox"
          label={t("home.next_due")}
          value={
            data &&
            (data.next_due === null
              ? t("home.nothing")
              : data.next_due <= now
                ? t("home.now")
                : ago(data.next_due, now))
          }
          note={data && (data.next_due === null ? t("home.nothing_due") : moment(data.next_due))}
        />
      </section>
      {data !== undefined && data.unknown > 0 && (
        <Note
          tone="warn"
          title={t("home.unknown", { n: data.unknown })}
          actions={
            <Link
              to="/outbox"
              search={{ state: "attention" }}
              className="flex h-8 items-center gap-1 px-2 font-medium text-accent-text"
            >
              {t("home.resolve")}
              <ArrowRight size={14} aria-hidden />
            </Link>
          }
        >
          {t("home.unknown_about")}
        </Note>
      )}
      <div className="grid grid-cols-[minmax(0,2fr)_minmax(280px,1fr)] items-start gap-4">
        <div className="space-y-4">
          <Card title={t("home.sent")} about={data && t("home.sent_about", { n: sent, most })}>
            {data === undefined ? (
              <Skeleton className="h-30 w-full" />
            ) : (
              <>
                <div className="relative">
                  <Columns
                    label={t("home.sent_label", { n: sent })}
                    className="h-30"
                    values={data.accepted_by_day.map((each) => ({
                      title: each.day,
                      value: each.count,
                      text: t("home.sent_day", { day: shortDay(each.day), n: each.count }),
                    }))}
                  />
                  {sent === 0 && (
                    <p className="pointer-events-none absolute inset-0 flex items-center justify-center text-ink-2">
                      {t("home.sent_none")}
                    </p>
                  )}
                </div>
                <div className="figures flex justify-between border-line-default border-t pt-1.5 text-ink-3 text-meta">
                  <span>{shortDay(data.accepted_by_day[0]?.day ?? now)}</span>
                  <span>{shortDay(data.accepted_by_day.at(-1)?.day ?? now)}</span>
                </div>
              </>
            )}
          </Card>
          <Card title={t("home.journeys")} flush>
            {data?.journeys.length === 0 && <p className="px-4 pb-4 text-ink-2">{t("home.no_journeys")}</p>}
            <ul>
              {data?.journeys.map((journey) => (
                <li key={journey.id} className="border-line-subtle border-t">
                  <Link
                    to="/journeys/$journey"
                    params={{ journey: String(journey.id) }}
                    className="ring-inside flex min-h-10 items-center gap-4 px-4 py-1.5 hover:bg-hover"
                  >
                    <span className="min-w-0 flex-1 truncate font-medium">{journey.name}</span>
                    <span className="figures text-ink-2 text-table">
                      {t("home.entered_week", { n: journey.entered_7_days })}
                    </span>
                    <span className="figures w-24 text-right text-table">
                      {t("home.active", { n: journey.active })}
                    </span>
                    <span className="w-20 text-table">
                      <StatusDot
                        tone={JOURNEY_TONES[journey.state]}
                        pulse={journey.state === "live" && journey.active > 0}
                      >
                        {t(`common.journey_states.${journey.state}`)}
                      </StatusDot>
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          </Card>
        </div>
        <div className="space-y-4">
          {data !== undefined && open > 0 && (
            <Card
              title={t("home.checklist")}
              about={t("home.checklist_about", { done: data.checklist.length - open, all: data.checklist.length })}
              flush
            >
              <ol className="pb-2">
                {data.checklist.map((each) => (
                  <Step key={each.item} item={each.item} done={each.done} />
                ))}
              </ol>
            </Card>
          )}
          <Card title={t("home.latest")} flush>
            {data?.latest.length === 0 && <p className="px-4 pb-4 text-ink-2">{t("home.latest_none")}</p>}
            <div className="pb-2">{data !== undefined && <Timeline entries={data.latest} now={now} people />}</div>
          </Card>
        </div>
      </div>
    </>
  );
}

function Figure({
  to,
  label,
  value,
  note,
  live = false,
}: {
  to: "/contacts" | "/journeys" | "/outbox";
  label: string;
  value: string | undefined;
  note: ReactNode;
  live?: boolean;
}) {
  return (
    <Link to={to} className="ring-inside min-w-0 px-4 py-3 first:rounded-l-card last:rounded-r-card hover:bg-hover">
      <p className="flex items-center gap-2 text-ink-2">
        {label}
        {live && (
          <span aria-hidden className="size-1.5 animate-[breathe_1.6s_ease-in-out_infinite] rounded-full bg-live" />
        )}
      </p>
      {value === undefined ? (
        <Skeleton className="my-1 h-7 w-20" />
      ) : (
        <p className="figures truncate font-semibold text-figure">{value}</p>
      )}
      <p className="figures h-4 truncate text-ink-3 text-table">{note}</p>
    </Link>
  );
}

const places: Record<string, "/contacts/import" | "/segments" | "/templates" | "/journeys" | "/settings"> = {
  import_contacts: "/contacts/import",
  save_segment: "/segments",
  adapt_template: "/templates",
  draw_journey: "/journeys",
  simulate_journey: "/journeys",
  add_sender: "/settings",
  publish_journey: "/journeys",
};

function Step({ item, done }: { item: string; done: boolean }) {
  const Icon = done ? Check : Circle;
  return (
    <li>
      <Link to={places[item] ?? "/home"} className="ring-inside flex h-8 items-center gap-2.5 px-4 hover:bg-hover">
        <Icon size={16} aria-hidden className={done ? "text-ok" : "text-ink-3"} />
        <span className={cx("truncate", done && "text-ink-3 line-through")}>{tx(`home.steps.${item}`, item)}</span>
      </Link>
    </li>
  );
}
