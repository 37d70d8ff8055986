import { Link } from "@tanstack/react-router";
import { Filter, Megaphone, Workflow } from "lucide-react";
import { useRead } from "@/api/client";
import type { SegmentOverlap } from "@/api/gen/SegmentOverlap";
import { ErrorView, SkeletonLines } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";

interface Props {
  /** Of the saved segment; null while it is new. */
  id: number | null;
  text: string | null;
}

/** Which other segments have its people, and who uses it. */
export function Around({ id, text }: Props) {
  return (
    <div className="space-y-6 p-4">
      <section aria-labelledby="overlap">
        <h2 id="overlap" className="mb-2 font-medium">
          {t("segments.around.overlap")}
        </h2>
        <Overlap id={id} text={text} />
      </section>
      <section aria-labelledby="users">
        <h2 id="users" className="mb-2 font-medium">
          {t("segments.around.users")}
        </h2>
        {id === null ? <p className="text-ink-3">{t("segments.around.unsaved")}</p> : <Users id={id} />}
      </section>
    </div>
  );
}

function Overlap({ id, text }: Props) {
  const all = useRead("segments.overlap", { text: text ?? "", id }, { enabled: text !== null, keep: true });
  if (text === null) return <p className="text-ink-3">{t("segments.sample_none")}</p>;
  if (all.isError) return <ErrorView error={all.error} onRetry={() => void all.refetch()} />;
  if (all.data === undefined) return <SkeletonLines lines={3} />;
  if (all.data.length === 0) return <p className="text-ink-3">{t("segments.around.no_others")}</p>;
  return (
    <ul className={all.isPlaceholderData ? "opacity-60" : undefined}>
      {all.data.map((other) => (
        <Shared key={other.id} of={other} />
      ))}
    </ul>
  );
}

function Shared({ of }: { of: SegmentOverlap }) {
  const said = { shared: of.shared, count: count(of.count), name: of.name };
  return (
    <li>
      <Link
        to="/segments/$segment"
        params={{ segment: String(of.id) }}
        aria-label={t("segments.around.shared_label", said)}
        className="ring-inside -mx-2 flex min-h-8 items-center gap-3 rounded-control px-2 py-1 hover:bg-hover"
      >
        <span className="min-w-0 flex-1 truncate">{of.name}</span>
        <span aria-hidden className="h-1.5 w-20 shrink-0 overflow-hidden rounded-full bg-sunken">
          <span
            className="block h-full rounded-full bg-chart-1"
            style={{ width: `${of.count === 0 ? 0 : (of.shared / of.count) * 100}%` }}
          />
        </span>
        <span className="figures w-32 shrink-0 text-right text-ink-2 text-table">
          {t("segments.around.shared", { shared: count(of.shared), count: count(of.count) })}
        </span>
      </Link>
    </li>
  );
}

const ROW = "ring-inside -mx-2 flex min-h-8 items-center gap-2 rounded-control px-2 py-1 hover:bg-hover";

function Users({ id }: { id: number }) {
  const users = useRead("segments.users", { id });
  if (users.isError) return <ErrorView error={users.error} onRetry={() => void users.refetch()} />;
  if (users.data === undefined) return <SkeletonLines lines={2} />;
  const { segments, journeys, campaigns, asks } = users.data;
  const unused = segments.length + journeys.length + campaigns.length === 0;
  return (
    <>
      {unused && <p className="text-ink-3">{t("segments.around.unused")}</p>}
      <ul>
        {journeys.map((each) => (
          <li key={`journey-${each.id}`}>
            <Link to="/journeys/$journey" params={{ journey: String(each.id) }} className={ROW}>
              <Workflow size={16} aria-hidden className="shrink-0 text-ink-3" />
              <span className="min-w-0 flex-1 truncate">{each.name}</span>
              <span className="text-ink-3 text-table">{t("segments.around.kinds.journey")}</span>
            </Link>
          </li>
        ))}
        {campaigns.map((each) => (
          <li key={`campaign-${each.id}`}>
            <Link to="/campaigns/$campaign" params={{ campaign: String(each.id) }} className={ROW}>
              <Megaphone size={16} aria-hidden className="shrink-0 text-ink-3" />
              <span className="min-w-0 flex-1 truncate">{each.name}</span>
              <span className="text-ink-3 text-table">{t("segments.around.kinds.campaign")}</span>
            </Link>
          </li>
        ))}
        {segments.map((each) => (
          <Segment key={`segment-${each.id}`} id={each.id} name={each.name} />
        ))}
      </ul>
      {asks.length > 0 && (
        <>
          <p className="mt-4 mb-2 font-medium">{t("segments.around.asks")}</p>
          <ul>
            {asks.map((each) => (
              <Segment key={each.id} id={each.id} name={each.name} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Segment({ id, name }: { id: number; name: string }) {
  return (
    <li>
      <Link to="/segments/$segment" params={{ segment: String(id) }} className={ROW}>
        <Filter size={16} aria-hidden className="shrink-0 text-ink-3" />
        <span className="min-w-0 flex-1 truncate">{name}</span>
        <span className="text-ink-3 text-table">{t("segments.around.kinds.segment")}</span>
      </Link>
    </li>
  );
}
