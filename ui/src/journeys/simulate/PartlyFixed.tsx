import { Note } from "@/design";
import { t } from "@/i18n";

/** Says which scores a simulation or trial does not follow in all that they read. */
export function PartlyFixed({ scores }: { scores: readonly string[] }) {
  if (scores.length === 0) return null;
  return (
    <div className="mt-3">
      <Note tone="warn">{t("journeys.simulate.partly_fixed_scores", { scores: scores.join(", ") })}</Note>
    </div>
  );
}
