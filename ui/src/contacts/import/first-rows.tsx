import { ScrollBox } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";

/** The beginning of a file as it was read, folded away. */
export function FirstRows({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <details className="rounded-card border border-line-subtle bg-surface">
      <summary className="ring-inside flex h-10 items-center px-4 font-medium hover:bg-hover">
        {t("contacts.import.first_rows", { n: count(rows.length) })}
      </summary>
      <ScrollBox
        label={t("contacts.import.first_rows", { n: count(rows.length) })}
        className="max-h-80 border-line-subtle border-t"
      >
        <table className="text-table">
          <thead>
            <tr className="h-8 text-left text-ink-3 [&>th]:px-3 [&>th]:font-normal">
              {columns.map((column, at) => (
                <th key={`${column}-${at}`} scope="col" className="whitespace-nowrap">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, line) => (
              <tr key={`${line}-${row[0]}`} className="h-8 border-line-subtle border-t">
                {row.map((cell, at) => (
                  <td key={`${at}-${cell}`} className="max-w-72 truncate px-3">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </details>
  );
}
