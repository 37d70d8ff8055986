import { useRead } from "@/api/client";
import { ErrorView, SkeletonLines } from "@/design";
import { count, value } from "@/format";
import { t } from "@/i18n";

interface Props {
  text: string | null;
  /** Somebody is to be explained. */
  onWhy: (contact: number) => void;
}

/** Whom a single clause keeps out, clause by clause. */
export function Near({ text, onWhy }: Props) {
  const near = useRead("segments.near", { text: text ?? "" }, { enabled: text !== null, keep: true });
  if (text === null) return <p className="p-4 text-ink-3">{t("segments.near.about")}</p>;
  if (near.isError) return <ErrorView error={near.error} onRetry={() => void near.refetch()} />;
  if (near.data === undefined) return <SkeletonLines />;
  return (
    <div className={near.isPlaceholderData ? "space-y-4 p-4 opacity-60" : "space-y-4 p-4"}>
      <p className="text-ink-3 text-table">
        {t(near.data.length === 0 ? "segments.near.none" : "segments.near.about")}
      </p>
      {near.data.map((clause) => (
        <section key={clause.text} aria-label={clause.text}>
          <p className="break-words font-mono text-table">{clause.text}</p>
          <p className="figures text-ink-2 text-table">
            {t("segments.near.out", { n: clause.count, count: count(clause.count) })}
          </p>
          <ul className="mt-1 border-line-subtle border-l">
            {clause.contacts.map((row) => (
              <li key={row.id} className="flex items-center">
                <button
                  type="button"
                  aria-label={t("segments.near.look", { email: row.email })}
                  onClick={() => onWhy(row.id)}
                  className="ring-inside flex min-h-8 min-w-0 flex-1 items-center gap-3 px-3 py-1 text-left hover:bg-hover"
                >
                  <span className="min-w-0 flex-1 truncate">{row.email}</span>
                  <span className="min-w-0 truncate text-ink-3 text-table">
                    {[value(row.values.first_name), value(row.values.last_name)].filter(Boolean).join(" ")}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
