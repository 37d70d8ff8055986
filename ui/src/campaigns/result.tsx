import { useState } from "react";
import { useWrite } from "@/api/client";
import type { ArmView } from "@/api/gen/ArmView";
import type { CampaignView } from "@/api/gen/CampaignView";
import type { TestView } from "@/api/gen/TestView";
import { Badge, Button, Card, Confirm, Note, sayError, Table, type Tone } from "@/design";
import { count, moment, number, percent } from "@/format";
import { t } from "@/i18n";
import { letter } from "./draft";

const TONES: Record<TestView["verdict"]["verdict"], Tone> = {
  not_enough_data: "neutral",
  leading: "info",
  decided: "ok",
  no_difference: "neutral",
};

const twoDigits = (n: number) => number(Math.round(n * 100) / 100);

/** What a test says now, or what it was decided on. */
export function TestResult({ view, test }: { view: CampaignView; test: TestView }) {
  const { verdict, decision } = test;
  const winner = verdict.verdict === "leading" || verdict.verdict === "decided" ? letter(verdict.arm) : "";
  const wanted = view.campaign.test;
  const counted = Math.min(...test.arms.map((arm) => arm.recipients));
  const highest = Math.max(0.0001, ...test.arms.filter((arm) => arm.recipients > 0).map((arm) => arm.rate_high));
  const rows = test.arms.map((arm, at) => ({ ...arm, at }));
  return (
    <Card
      title={t("campaigns.result.title")}
      about={
        wanted === null
          ? undefined
          : t("campaigns.result.metric", { metric: wanted.metric, hours: wanted.window_hours })
      }
      actions={
        <Badge tone={TONES[verdict.verdict]} dot>
          {t(`campaigns.result.${verdict.verdict}`, { letter: winner })}
        </Badge>
      }
    >
      <p>{t(`campaigns.result.${verdict.verdict}_about`, { level: percent(test.level) })}</p>
      <p className="text-ink-2">
        {decision === null
          ? [
              t("campaigns.result.planned", { have: count(counted), planned: count(test.planned_per_arm) }),
              test.ends_at === null ? "" : t("campaigns.result.ends", { at: moment(test.ends_at) }),
            ].join(" ")
          : t("campaigns.result.closed", { at: moment(decision.at) })}
        {decision?.chosen != null &&
          ` ${t(decision.by_hand ? "campaigns.result.chosen_by_hand" : "campaigns.result.chosen", { letter: letter(decision.chosen) })}`}
      </p>
      <div className="mt-3">
        <Table
          label={t("campaigns.result.title")}
          rows={rows}
          keyOf={(row) => row.at}
          columns={[
            {
              key: "variant",
              title: t("campaigns.result.variant"),
              cell: (row) => {
                const variant = view.campaign.variants[row.at];
                return (
                  <span title={variant?.subject ?? variant?.template}>
                    <span className="font-semibold">{letter(row.at)}</span>{" "}
                    <span className="text-ink-2">{variant?.subject ?? variant?.template}</span>
                  </span>
                );
              },
            },
            {
              key: "accepted",
              title: t("campaigns.result.accepted"),
              numeric: true,
              width: "84px",
              cell: (row) => count(row.accepted),
            },
            {
              key: "counted",
              title: t("campaigns.result.counted"),
              numeric: true,
              width: "84px",
              cell: (row) => count(row.recipients),
            },
            {
              key: "hits",
              title: t("campaigns.result.hits"),
              numeric: true,
              width: "76px",
              cell: (row) => count(row.hits),
            },
            {
              key: "rate",
              title: t("campaigns.result.rate"),
              width: "320px",
              cell: (row) => <Rate arm={row} highest={highest} />,
            },
            {
              key: "unsubscribed",
              title: t("campaigns.result.unsubscribed"),
              numeric: true,
              width: "64px",
              cell: (row) => count(row.unsubscribed),
            },
            {
              key: "complained",
              title: t("campaigns.result.complained"),
              numeric: true,
              width: "96px",
              cell: (row) => count(row.complained),
            },
          ]}
        />
      </div>
      <ul className="mt-2 text-ink-2">
        {test.comparisons
          .filter((each) => each.odds !== null && each.odds > 0)
          .map((each) => {
            const of = {
              arm: letter(each.arm),
              against: letter(each.against),
              odds: twoDigits(each.odds ?? 1),
              low: twoDigits(each.low),
              high: twoDigits(each.high ?? 0),
            };
            return (
              <li key={`${each.arm}-${each.against}`}>
                {t(each.high === null ? "campaigns.result.odds_open" : "campaigns.result.odds", of)}
              </li>
            );
          })}
      </ul>
      <div className="mt-3 space-y-2 empty:hidden">
        {test.mismatch && (
          <Note tone="bad" title={t("campaigns.result.mismatch")}>
            {t("campaigns.result.mismatch_about")}
          </Note>
        )}
        {rows
          .filter((row) => row.hurt)
          .map((row) => (
            <Note key={row.at} tone="bad" title={t("campaigns.result.hurt", { letter: letter(row.at) })}>
              {t("campaigns.result.hurt_about")}
            </Note>
          ))}
        {view.state === "decided" && <Choose view={view} arms={test.arms.length} />}
      </div>
    </Card>
  );
}

/** A rate with the interval it lies in, as words and as a bar beside the others'. */
function Rate({ arm, highest }: { arm: ArmView; highest: number }) {
  if (arm.recipients === 0) return <span className="text-ink-3">–</span>;
  const at = (share: number) => `${Math.min(100, (share / highest) * 100)}%`;
  return (
    <span className="flex items-center gap-3">
      <span aria-hidden className="relative h-4 w-28 shrink-0 rounded-control bg-sunken">
        <span
          className="absolute inset-y-1 rounded-control bg-accent-solid/35"
          style={{ left: at(arm.rate_low), right: `calc(100% - ${at(arm.rate_high)})` }}
        />
        <span className="absolute inset-y-0 w-0.5 bg-accent-solid" style={{ left: at(arm.rate) }} />
      </span>
      <span className="figures truncate">
        <span className="font-medium">{percent(arm.rate)}</span>{" "}
        <span className="text-ink-3">
          {t("campaigns.result.interval", { low: percent(arm.rate_low), high: percent(arm.rate_high) })}
        </span>
      </span>
    </span>
  );
}

/** What the rest gets, by a person's word. */
function Choose({ view, arms }: { view: CampaignView; arms: number }) {
  const [asking, setAsking] = useState<number | null>(null);
  const choose = useWrite("campaigns.choose", { onSuccess: () => setAsking(null), onError: sayError });
  return (
    <div className="flex flex-wrap gap-2">
      {Array.from({ length: arms }, (_, arm) => (
        <Button key={letter(arm)} onClick={() => setAsking(arm)}>
          {t("campaigns.result.choose", { letter: letter(arm) })}
        </Button>
      ))}
      {asking !== null && (
        <Confirm
          open
          danger={false}
          onClose={() => setAsking(null)}
          onConfirm={() => choose.mutate({ id: view.id, variant: asking })}
          busy={choose.isPending}
          title={t("campaigns.result.choose_title", { letter: letter(asking) })}
          about={t("campaigns.result.choose_about", { n: view.progress?.rest ?? 0 })}
          action={t("campaigns.result.choose", { letter: letter(asking) })}
        />
      )}
    </div>
  );
}
