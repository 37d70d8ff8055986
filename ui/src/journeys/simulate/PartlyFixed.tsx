import { Note } from "@/design";
import { t } from "@/i18n";

interface Props {
  scores: readonly string[];
  segments: readonly string[];
}

/** Says which scores a simulation or trial does not follow in all that they read, and of which segments it measures nothing anew. */
export function PartlyFixed({ scores, segments }: Props) {
  if (scores.length === 0 && segments.length === 0) return null;
  return (
    <div className="mt-3 space-y-2">
      {scores.length > 0 && (
        <Note tone="warn">{t("journeys.simulate.partly_fixed_scores", { scores: scores.join(", ") })}</Note>
      )}
      {segments.length > 0 && (
        <Note tone="warn">{t("journeys.simulate.ranked_segments", { segments: segments.join(", ") })}</Note>
      )}
    </div>
  );
}
