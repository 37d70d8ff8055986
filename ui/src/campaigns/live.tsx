import { Link, useNavigate } from "@tanstack/react-router";
import { Copy, Pause, Play, Square, Undo2 } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import type { CampaignProgress } from "@/api/gen/CampaignProgress";
import type { CampaignView } from "@/api/gen/CampaignView";
import { Badge, Button, Card, Confirm, Facts, Note, PageHead, Progress, sayError, Table } from "@/design";
import { count, moment } from "@/format";
import { t } from "@/i18n";
import { ExportMenu } from "@/shell/export";
import { Numbers } from "./check";
import { useCountdown } from "./countdown";
import { Lift } from "./lift";
import { TestResult } from "./result";
import { CAMPAIGN_TONES } from "./tones";

/** A campaign that was confirmed: recalled, watched, paused, stopped. */
export function Live({ view }: { view: CampaignView }) {
  const { campaign, state, progress } = view;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title={campaign.name}>
        <Badge tone={CAMPAIGN_TONES[state]} dot>
          {t(`campaigns.states.${state}`)}
        </Badge>
        <ExportMenu list={{ of: "campaign", campaign: view.id }} name={campaign.name} />
        <Verbs view={view} />
      </PageHead>
      <div className="min-h-0 flex-1 overflow-auto">
        <div className="mx-auto max-w-[1100px] space-y-4 px-6 pb-8">
          <State view={view} />
          {progress?.trouble != null && <Note tone="warn">{progress.trouble}</Note>}
          {view.test !== null && <TestResult view={view} test={view.test} />}
          {view.lift !== null && <Lift lift={view.lift} />}
          {progress !== null && state !== "recallable" && <ProgressCard view={view} progress={progress} />}
          <div className="grid grid-cols-2 gap-4">
            {progress !== null && (
              <Card title={t("campaigns.check.left_out")}>
                <Numbers
                  id={view.id}
                  rows={[
                    { of: "gets", n: progress.gets },
                    ...(progress.held_out > 0 ? [{ of: "held_out", n: progress.held_out }] : []),
                    ...progress.left_out.map((out) => ({ of: out.reason, n: out.count })),
                  ]}
                />
              </Card>
            )}
            <Card title={t("campaigns.live.settings")}>
              <Facts items={settings(view)} />
            </Card>
          </div>
        </div>
      </div>
    </div>
  );
}

function settings(view: CampaignView) {
  const { campaign } = view;
  return [
    { label: t("campaigns.live.segment"), value: campaign.segment },
    {
      label: t("campaigns.live.template"),
      value: campaign.variants
        .map((each) => (each.subject === null ? each.template : `${each.template}: ${each.subject}`))
        .join(" · "),
    },
    { label: t("campaigns.live.account"), value: campaign.account ?? t("campaigns.what.account_default") },
    ...(view.count === null || view.confirmed_at === null
      ? []
      : [
          {
            label: t("campaigns.live.confirmed"),
            value: t("campaigns.live.confirmed_value", { n: view.count, at: moment(view.confirmed_at) }),
          },
        ]),
  ];
}

function Verbs({ view }: { view: CampaignView }) {
  const navigate = useNavigate();
  const [stopping, setStopping] = useState(false);
  const id = { id: view.id };
  const pause = useWrite("campaigns.pause", { onError: sayError });
  const resume = useWrite("campaigns.resume", { onError: sayError });
  const stop = useWrite("campaigns.stop", { onSuccess: () => setStopping(false), onError: sayError });
  const duplicate = useWrite("campaigns.duplicate", {
    onSuccess: (made) => void navigate({ to: "/campaigns/$campaign", params: { campaign: String(made.id) } }),
    onError: sayError,
  });
  const { state } = view;
  const runs = state === "sending" || state === "testing";
  return (
    <>
      {runs && (
        <Button icon={Pause} busy={pause.isPending} onClick={() => pause.mutate(id)}>
          {t("campaigns.live.pause")}
        </Button>
      )}
      {state === "paused" && (
        <Button look="primary" icon={Play} busy={resume.isPending} onClick={() => resume.mutate(id)}>
          {t("campaigns.live.resume")}
        </Button>
      )}
      {(runs || state === "paused" || state === "decided") && (
        <Button icon={Square} onClick={() => setStopping(true)}>
          {t("campaigns.live.stop")}
        </Button>
      )}
      {(state === "done" || state === "stopped") && (
        <Button icon={Copy} busy={duplicate.isPending} onClick={() => duplicate.mutate(id)}>
          {t("campaigns.duplicate")}
        </Button>
      )}
      {stopping && (
        <Confirm
          open
          onClose={() => setStopping(false)}
          onConfirm={() => stop.mutate(id)}
          busy={stop.isPending}
          title={t("campaigns.live.stop_title", { name: view.campaign.name })}
          about={t("campaigns.live.stop_about")}
          action={t("campaigns.live.stop")}
        />
      )}
    </>
  );
}

function State({ view }: { view: CampaignView }) {
  const { state } = view;
  const waits = state === "recallable" || state === "scheduled";
  const { secs, runs } = useCountdown(waits ? view.recall_until : null);
  const recall = useWrite("campaigns.recall", { onError: sayError });
  if (state === "paused") return <Note tone="warn" title={t("campaigns.live.paused")} />;
  if (state === "stopped") return <Note title={t("campaigns.live.stopped")} />;
  if (!waits) return null;
  const button = (
    <Button
      look="primary"
      icon={Undo2}
      className="self-center"
      busy={recall.isPending}
      onClick={() => recall.mutate({ id: view.id })}
    >
      {runs && state === "recallable" ? t("campaigns.live.recall_in", { secs }) : t("campaigns.live.recall")}
    </Button>
  );
  const until = view.recall_until === null ? "" : moment(view.recall_until);
  return state === "recallable" ? (
    <Note tone="info" title={t("campaigns.live.recallable")} actions={button}>
      {runs ? t("campaigns.live.recallable_about", { secs }) : t("campaigns.live.recallable_until", { at: until })}
    </Note>
  ) : (
    <Note
      tone="info"
      title={t("campaigns.live.scheduled", { at: view.starts_at === null ? "" : moment(view.starts_at) })}
      actions={button}
    >
      {t("campaigns.live.scheduled_about")}
    </Note>
  );
}

function ProgressCard({ view, progress }: { view: CampaignView; progress: CampaignProgress }) {
  const of = (...states: string[]) =>
    progress.states.filter((each) => states.includes(each.state)).reduce((sum, each) => sum + each.count, 0);
  const accepted = of("accepted");
  // While a test goes on or a person has to choose, nobody can say when it is done.
  const forecast = view.state === "sending" ? progress.forecast : null;
  const waitsForWinner = view.test?.open === true || view.state === "decided" ? progress.rest : 0;
  const parts = [
    { label: t("campaigns.live.accepted"), n: accepted },
    { label: t("campaigns.live.waiting"), n: of("queued", "deferred", "claimed", "in_flight") },
    { label: t("campaigns.live.waiting_time"), n: progress.waiting_for_time },
    { label: t("campaigns.live.waiting_winner"), n: waitsForWinner },
    { label: t("campaigns.live.bounced"), n: of("bounced") },
    { label: t("campaigns.live.not_sent"), n: of("suppressed", "expired", "cancelled") },
    { label: t("campaigns.live.unknown"), n: of("unknown", "frozen") },
  ].filter(({ n }, at) => at < 2 || n > 0);
  const done = forecast && {
    at: moment(forecast.finishes_at),
    per_day: count(forecast.per_day),
    days: forecast.days,
  };
  return (
    <Card
      title={t("campaigns.live.progress")}
      actions={
        <Link to="/outbox" search={{ q: view.campaign.name }} className="px-2 font-medium text-accent-text">
          {t("campaigns.live.outbox")}
        </Link>
      }
    >
      <Progress done={accepted} total={progress.gets} label={t("campaigns.live.progress")} />
      <p className="mt-2 text-ink-2">
        {t("campaigns.live.accepted_of", { n: count(accepted), total: count(progress.gets) })}
        {done != null && ` · ${t(done.days > 1 ? "campaigns.live.done_by_days" : "campaigns.live.done_by", done)}`}
        {view.done_at !== null &&
          view.state === "done" &&
          ` · ${t("campaigns.live.done_at", { at: moment(view.done_at) })}`}
      </p>
      <dl className="mt-3 flex flex-wrap gap-x-8 gap-y-2">
        {parts.map(({ label, n }) => (
          <div key={label}>
            <dt className="text-ink-3 text-table">{label}</dt>
            <dd className="figures font-semibold text-section">{count(n)}</dd>
          </div>
        ))}
      </dl>
      {progress.domains.length === 0 ? (
        <p className="mt-3 text-ink-3">{t("campaigns.live.no_messages")}</p>
      ) : (
        <div className="mt-3">
          <Table
            label={t("campaigns.check.domains")}
            rows={progress.domains}
            keyOf={(row) => row.domain}
            columns={[
              {
                key: "domain",
                title: t("campaigns.live.domain"),
                cell: (row) => (row.domain === "" ? t("campaigns.check.others") : row.domain),
              },
              ...(["accepted", "waiting", "bounced", "not_sent", "unknown"] as const).map((key) => ({
                key,
                title: t(`campaigns.live.${key}`),
                numeric: true,
                width: "120px",
                cell: (row: CampaignProgress["domains"][number]) =>
                  row[key] === 0 ? <span className="text-ink-3">0</span> : count(row[key]),
              })),
            ]}
          />
        </div>
      )}
    </Card>
  );
}
