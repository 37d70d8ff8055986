import type { LiftView } from "@/api/gen/LiftView";
import { Badge, Card, Table, type Tone } from "@/design";
import { count, moment, number, percent } from "@/format";
import { t } from "@/i18n";

/** What the comparison with those held out comes to. */
export function liftWord({ over, difference }: Pick<LiftView, "over" | "difference">): {
  word: "open" | "more" | "fewer" | "no_difference" | "empty";
  tone: Tone;
} {
  if (!over) return { word: "open", tone: "neutral" };
  if (difference === null) return { word: "empty", tone: "neutral" };
  if (difference.low > 0) return { word: "more", tone: "ok" };
  if (difference.high < 0) return { word: "fewer", tone: "bad" };
  return { word: "no_difference", tone: "neutral" };
}

const points = (share: number) => number(Math.round(share * 1000) / 10);
const whole = (n: number) => number(Math.round(n));

/** Those who were to get a campaign beside those who were held out. */
export function Lift({ lift }: { lift: LiftView }) {
  const { word, tone } = liftWord(lift);
  const { difference, extra } = lift;
  const sides = [
    { name: "treated", ...lift.treated },
    { name: "held_out", ...lift.held_out },
  ] as const;
  return (
    <Card
      title={t("campaigns.lift.title")}
      about={t("campaigns.lift.about", { metric: lift.metric, until: moment(lift.until) })}
      actions={
        <Badge tone={tone} dot>
          {t(word === "empty" ? "campaigns.lift.no_difference" : `campaigns.lift.${word}`)}
        </Badge>
      }
    >
      {word === "open" && <p className="text-ink-2">{t("campaigns.lift.open_about")}</p>}
      {word === "empty" && <p className="text-ink-2">{t("campaigns.lift.empty")}</p>}
      {difference !== null && word === "no_difference" && (
        <p>{t("campaigns.lift.none_about", { low: points(difference.low), high: points(difference.high) })}</p>
      )}
      {difference !== null && (word === "more" || word === "fewer") && (
        <p>
          {t("campaigns.lift.difference", {
            at: points(difference.at),
            low: points(difference.low),
            high: points(difference.high),
          })}{" "}
          {extra !== null &&
            word === "more" &&
            t("campaigns.lift.extra", { at: whole(extra.at), low: whole(extra.low), high: whole(extra.high) })}
        </p>
      )}
      <div className="mt-3">
        <Table
          label={t("campaigns.lift.title")}
          rows={[...sides]}
          keyOf={(row) => row.name}
          columns={[
            { key: "side", title: t("campaigns.lift.side"), cell: (row) => t(`campaigns.lift.${row.name}`) },
            { key: "of", title: t("campaigns.lift.of"), numeric: true, width: "120px", cell: (row) => count(row.of) },
            {
              key: "did",
              title: t("campaigns.lift.did"),
              numeric: true,
              width: "120px",
              cell: (row) => count(row.did),
            },
            {
              key: "rate",
              title: t("campaigns.lift.rate"),
              numeric: true,
              width: "120px",
              cell: (row) => (row.of === 0 ? "–" : percent(row.did / row.of)),
            },
          ]}
        />
      </div>
    </Card>
  );
}
