import { Send } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { Campaign } from "@/api/gen/Campaign";
import type { CampaignId } from "@/api/gen/CampaignId";
import type { CampaignPreview } from "@/api/gen/CampaignPreview";
import type { CampaignProblem } from "@/api/gen/CampaignProblem";
import { ApiError } from "@/api/host";
import { Button, Card, Confirm, ErrorView, Facts, Note, SkeletonLines, say, sayError } from "@/design";
import { count, moment } from "@/format";
import { t, tx } from "@/i18n";
import { PeopleNumber } from "./people";

/** Who gets it, who does not and why, and the confirmation with that number. */
export function CheckStep({ id, campaign }: { id: CampaignId; campaign: Campaign }) {
  const preview = useRead("campaigns.preview", { id }, { keep: true });
  const [asking, setAsking] = useState(false);
  const start = useWrite("campaigns.start", {
    onSuccess: () => setAsking(false),
    onError: (error) => {
      setAsking(false);
      sayError(error);
      if (ApiError.of(error).code !== "stale") return;
      say(t("campaigns.check.again"));
      void preview.refetch();
    },
  });
  if (preview.isError) return <ErrorView error={preview.error} onRetry={() => void preview.refetch()} />;
  if (!preview.data) return <SkeletonLines />;
  const seen = preview.data;
  const errors = seen.problems.filter((problem) => problem.severity === "error");
  const warnings = seen.problems.filter((problem) => problem.severity === "warning");
  const later = campaign.when.when !== "now";
  return (
    <>
      <Problems title={t("campaigns.check.problems")} tone="bad" problems={errors} />
      <Problems title={t("campaigns.check.warnings")} tone="warn" problems={warnings} />
      <div className="grid grid-cols-2 gap-4">
        <Card>
          <p className="figures font-semibold text-title" data-count={seen.gets}>
            {t("campaigns.check.gets", { n: seen.gets })}
          </p>
          <p className="text-ink-2">
            {t("campaigns.check.of", { n: seen.members, segment: campaign.segment })}
            {seen.held_out > 0 && ` · ${t("campaigns.check.held_out", { n: seen.held_out })}`}
          </p>
          <div className="mt-3">
            <Facts items={facts(campaign, seen)} />
          </div>
        </Card>
        <Card title={t("campaigns.check.left_out")}>
          {seen.left_out.length === 0 && seen.held_out === 0 && (
            <p className="text-ink-2">{t("campaigns.check.nobody_left_out")}</p>
          )}
          <Numbers
            id={id}
            rows={[
              { of: "gets", n: seen.gets },
              ...(seen.held_out > 0 ? [{ of: "held_out", n: seen.held_out }] : []),
              ...seen.left_out.map((out) => ({ of: out.reason, n: out.count })),
            ]}
          />
        </Card>
      </div>
      {seen.domains.length > 0 && (
        <Card title={t("campaigns.check.domains")}>
          <ul className="columns-2 gap-8">
            {seen.domains.map(({ domain, count: n }) => (
              <li key={domain} className="flex justify-between gap-3 py-0.5">
                <span className="truncate">{domain === "" ? t("campaigns.check.others") : domain}</span>
                <span className="figures text-ink-2">{count(n)}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <div className="flex justify-end">
        <Button
          look="primary"
          icon={Send}
          disabled={errors.length > 0 || seen.gets === 0}
          onClick={() => setAsking(true)}
        >
          {t(later ? "campaigns.check.schedule" : "campaigns.check.confirm", { n: seen.gets })}
        </Button>
      </div>
      {asking && (
        <Confirm
          open
          danger={false}
          onClose={() => setAsking(false)}
          onConfirm={() => start.mutate({ id, count: seen.gets, may_differ: 0 })}
          busy={start.isPending}
          title={t(later ? "campaigns.check.ask_schedule" : "campaigns.check.ask", {
            name: campaign.name,
            n: seen.gets,
          })}
          about={
            later
              ? t("campaigns.check.ask_about_schedule", { at: moment(seen.starts_at) })
              : t("campaigns.check.ask_about", { secs: seen.recall_secs })
          }
          action={t(later ? "campaigns.check.schedule" : "campaigns.check.confirm", { n: seen.gets })}
        />
      )}
    </>
  );
}

function facts(campaign: Campaign, seen: CampaignPreview) {
  const later = campaign.when.when !== "now";
  const forecast = seen.forecast;
  return [
    {
      label: t("campaigns.check.starts"),
      value: later ? moment(seen.starts_at) : t("campaigns.check.starts_now"),
    },
    {
      label: t("campaigns.check.recall"),
      value: later ? t("campaigns.check.until_start") : t("campaigns.check.seconds", { n: seen.recall_secs }),
    },
    ...(forecast === null
      ? []
      : [
          {
            label: t("campaigns.check.forecast"),
            value:
              forecast.days > 1
                ? t("campaigns.check.forecast_days", {
                    at: moment(forecast.finishes_at),
                    per_day: count(forecast.per_day),
                    days: forecast.days,
                  })
                : moment(forecast.finishes_at),
          },
        ]),
    ...(seen.arms.length > 1
      ? [
          {
            label: t("campaigns.check.split"),
            value: t("campaigns.check.split_arms", { arms: seen.arms.map(count).join(" + "), rest: count(seen.rest) }),
          },
        ]
      : []),
  ];
}

/** Numbers by their reason, each opening its people. */
export function Numbers({ id, rows }: { id: CampaignId; rows: readonly { of: string; n: number }[] }) {
  return (
    <dl className="divide-y divide-line-subtle">
      {rows.map(({ of, n }) => (
        <div key={of} className="flex items-center justify-between gap-3 py-1.5">
          <dt className="truncate text-ink-2">{tx(`campaigns.reasons.${of}`, of)}</dt>
          <dd>
            <PeopleNumber id={id} of={of} n={n} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Problems({
  title,
  tone,
  problems,
}: {
  title: string;
  tone: "bad" | "warn";
  problems: readonly CampaignProblem[];
}) {
  if (problems.length === 0) return null;
  return (
    <Note tone={tone} title={title}>
      <ul className="list-disc pl-4">
        {problems.map((problem) => (
          <li key={problem.message}>{problem.message}</li>
        ))}
      </ul>
    </Note>
  );
}
