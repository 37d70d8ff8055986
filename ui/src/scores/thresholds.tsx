import { useNavigate } from "@tanstack/react-router";
import { Filter } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import type { ScoreRow } from "@/api/gen/ScoreRow";
import { Button, Card, NumberInput, say, sayError } from "@/design";
import { t } from "@/i18n";
import { reached } from "./draft";

/** Makes the segment of everybody with so many points: a journey can begin when somebody comes in, and when they leave. */
export function Thresholds({ row }: { row: ScoreRow }) {
  const navigate = useNavigate();
  const stages = row.published?.kind === "points" ? row.published.stages : [];
  const [points, setPoints] = useState(stages.at(-1)?.at_least ?? 50);
  const create = useWrite("segments.save", {
    onSuccess: (saved) => {
      say(t("segments.saved", { name: saved.name }));
      void navigate({ to: "/segments/$segment", params: { segment: String(saved.id) } });
    },
    onError: sayError,
  });
  return (
    <Card title={t("scores.threshold.title")} about={t("scores.threshold.about")}>
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-ink-2">{t("scores.from_points")}</span>
        <NumberInput aria-label={t("scores.threshold.points")} className="w-24" value={points} onChange={setPoints} />
        <Button
          icon={Filter}
          busy={create.isPending}
          onClick={() =>
            create.mutate({
              id: null,
              name: t("scores.threshold.segment", { name: row.name, points }),
              text: reached(row.key, points),
            })
          }
        >
          {t("scores.threshold.create")}
        </Button>
      </div>
    </Card>
  );
}
