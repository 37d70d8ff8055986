import type { ReactNode } from "react";
import { cx } from "./cx";

export interface TableColumn<T> {
  key: string;
  title: string;
  numeric?: boolean;
  /** The title is heard and not seen: columns of buttons. */
  quiet?: boolean;
  /** A CSS width; without it the column shares what is left. */
  width?: string;
  cell: (row: T) => ReactNode;
}

/** A short table, all of whose rows are drawn. Rows that open are links or buttons in their first cell. */
export function Table<T>({
  label,
  columns,
  rows,
  keyOf,
  onOpen,
  nameOf,
  chosen,
}: {
  label: string;
  columns: readonly TableColumn<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string | number;
  onOpen?: (row: T) => void;
  /** Name of the row's button, where rows open. */
  nameOf?: (row: T) => string;
  chosen?: (row: T) => boolean;
}) {
  return (
    <table aria-label={label} className="w-full table-fixed border-collapse text-table">
      <colgroup>
        {columns.map((column) => (
          <col key={column.key} style={column.width === undefined ? undefined : { width: column.width }} />
        ))}
      </colgroup>
      <thead>
        <tr className="row-h">
          {columns.map((column) => (
            <th
              key={column.key}
              scope="col"
              className={cx("truncate px-3 text-left font-normal text-ink-3", column.numeric && "text-right")}
            >
              {column.quiet ? <span className="sr-only">{column.title}</span> : column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr
            key={keyOf(row)}
            className={cx("row-h relative", onOpen !== undefined && "hover:bg-hover", chosen?.(row) && "bg-selected")}
          >
            {columns.map((column, at) => (
              <td
                key={column.key}
                className={cx("truncate border-line-subtle border-t px-3", column.numeric && "figures text-right")}
              >
                {at === 0 && onOpen !== undefined ? (
                  <button
                    type="button"
                    aria-label={nameOf?.(row)}
                    onClick={() => onOpen(row)}
                    className="ring-inside block w-full truncate text-left font-medium before:absolute before:inset-0"
                  >
                    {column.cell(row)}
                  </button>
                ) : (
                  column.cell(row)
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
