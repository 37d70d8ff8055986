import { Link } from "@tanstack/react-router";
import { useRead } from "@/api/client";
import { ErrorView, SkeletonLines } from "@/design";
import { value } from "@/format";
import { t } from "@/i18n";

/** Ten people whom the text means. */
export function Sample({ text }: { text: string | null }) {
  const members = useRead(
    "segments.members",
    { text: text ?? "", sample: true, offset: 0, limit: 10 },
    { enabled: text !== null, keep: true },
  );
  if (text === null) return <p className="p-4 text-ink-3">{t("segments.sample_none")}</p>;
  if (members.isError) return <ErrorView error={members.error} onRetry={() => void members.refetch()} />;
  if (members.data === undefined) return <SkeletonLines />;
  if (members.data.rows.length === 0) return <p className="p-4 text-ink-2">{t("segments.nobody")}</p>;
  return (
    <ul className={members.isPlaceholderData ? "py-2 opacity-60" : "py-2"}>
      {members.data.rows.map((row) => (
        <li key={row.id}>
          <Link
            to="/contacts/$contact"
            params={{ contact: String(row.id) }}
            className="ring-inside flex min-h-9 items-center gap-3 px-4 py-1 hover:bg-hover"
          >
            <span className="min-w-0 flex-1 truncate font-medium">{row.email}</span>
            <span className="min-w-0 truncate text-ink-3 text-table">
              {[value(row.values.first_name), value(row.values.last_name)].filter(Boolean).join(" ")}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
