import { ArrowUp } from "lucide-react";
import { useRead, useWrite } from "@/api/client";
import type { DuplicateRules } from "@/api/gen/DuplicateRules";
import type { MatchKind } from "@/api/gen/MatchKind";
import type { SurvivorRule } from "@/api/gen/SurvivorRule";
import { ErrorView, IconButton, Select, SkeletonLines, say, sayError } from "@/design";
import { t, tx } from "@/i18n";

const KINDS = [
  "given_name",
  "surname",
  "street_number",
  "address",
  "suburb",
  "post_code",
  "state",
  "country",
  "phone",
  "email",
  "date",
  "identifier",
  "text",
] as const satisfies MatchKind[];
const RULES = [
  "most_recent",
  "most_trusted",
  "longest",
  "most_frequent",
  "non_empty",
  "manual",
] as const satisfies SurvivorRule[];

/** What fields are compared as, and whose value stays. */
export function Rules() {
  const rules = useRead("duplicates.rules", {});
  const save = useWrite("duplicates.save_rules", {
    onSuccess: () => say(t("contacts.duplicates.saved")),
    onError: sayError,
  });
  if (rules.isError) return <ErrorView error={rules.error} onRetry={() => void rules.refetch()} />;
  if (rules.data === undefined) return <SkeletonLines />;
  const { fields, trusted } = rules.data;
  const change = (next: Partial<DuplicateRules>) => save.mutate({ fields, trusted, ...next });
  const set = (key: string, next: { kind?: MatchKind | null; rule?: SurvivorRule }) =>
    change({ fields: fields.map((field) => (field.key === key ? { ...field, ...next } : field)) });
  return (
    <div className="max-w-200 space-y-6 px-6 py-4">
      <p className="text-ink-2">{t("contacts.duplicates.rules_about")}</p>
      <table className="w-full text-left">
        <thead className="text-ink-3 text-table">
          <tr>
            <th scope="col" className="py-1 font-normal">
              {t("contacts.duplicates.field")}
            </th>
            <th scope="col" className="py-1 font-normal">
              {t("contacts.duplicates.compared_as")}
            </th>
            <th scope="col" className="py-1 font-normal">
              {t("contacts.duplicates.rule")}
            </th>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field.key} className="border-line-subtle border-t">
              <th scope="row" className="py-1.5 pr-3 text-left font-medium">
                {field.label}
              </th>
              <td className="py-1.5 pr-3">
                <Select
                  label={`${field.label}: ${t("contacts.duplicates.compared_as")}`}
                  value={field.kind ?? "none"}
                  onChange={(kind) => set(field.key, { kind: kind === "none" ? null : kind })}
                  options={[
                    { value: "none" as const, label: t("contacts.duplicates.not_compared") },
                    ...KINDS.map((kind) => ({ value: kind, label: t(`contacts.duplicates.kinds.${kind}`) })),
                  ]}
                />
              </td>
              <td className="py-1.5">
                {field.key !== "email" && (
                  <Select
                    label={`${field.label}: ${t("contacts.duplicates.rule")}`}
                    value={field.rule}
                    onChange={(rule) => set(field.key, { rule })}
                    options={RULES.map((rule) => ({ value: rule, label: t(`contacts.duplicates.rules.${rule}`) }))}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <section aria-label={t("contacts.duplicates.trusted")}>
        <h2 className="font-semibold">{t("contacts.duplicates.trusted")}</h2>
        <ol className="mt-2 max-w-80">
          {trusted.map((source, i) => (
            <li key={source} className="flex items-center gap-2 border-line-subtle border-t py-1">
              <span className="figures w-6 text-ink-3 text-table">{i + 1}</span>
              <span className="min-w-0 flex-1 truncate">{name(source)}</span>
              <IconButton
                icon={ArrowUp}
                label={t("contacts.duplicates.trust_more", { source: name(source) })}
                disabled={i === 0}
                onClick={() => change({ trusted: moved(trusted, i) })}
              />
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

const name = (source: string) => tx(`contacts.sources.${source}`, source).replace(/\s*\{.*\}/, "");

/** The list with one of its entries a place higher. */
function moved(list: readonly string[], at: number): string[] {
  const next = [...list];
  const [entry] = next.splice(at, 1);
  if (entry !== undefined) next.splice(at - 1, 0, entry);
  return next;
}
