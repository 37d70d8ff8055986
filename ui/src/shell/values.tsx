import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Field } from "@/api/gen/Field";
import type { FieldValue } from "@/api/gen/FieldValue";
import type { Value } from "@/api/gen/Value";
import { ago, moment, value as valueText } from "@/format";
import { t } from "@/i18n";
import { FieldEdit } from "./edit";
import { useNow } from "./now";
import { sourceText } from "./timeline";

/** What is known of somebody or something: each value with where it is from, edited where it stands. */
export function Values({
  fields,
  known,
  locked = () => false,
  note = () => null,
  beside,
  onSave,
}: {
  fields: readonly Field[];
  known: readonly FieldValue[];
  /** Fields that are only shown. */
  locked?: (field: Field) => boolean;
  /** A line under a value that is not known. */
  note?: (field: Field) => ReactNode;
  /** What stands beside a value. */
  beside?: (field: Field) => ReactNode;
  /** Writes a value, and calls `done` once it is kept. */
  onSave: (key: string, value: Value | null, done: () => void) => void;
}) {
  const now = useNow();
  const [editing, setEditing] = useState<string | null>(null);
  const [ended, setEnded] = useState<string | null>(null);
  const list = useRef<HTMLDListElement>(null);
  // The keyboard comes back to the value it came from, unless it has gone elsewhere by itself.
  useEffect(() => {
    if (ended === null || document.activeElement !== document.body) return;
    list.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(ended)}"]`)?.focus();
  }, [ended]);
  const begin = (key: string) => {
    setEditing(key);
    setEnded(null);
  };
  const end = (key: string) => {
    setEditing(null);
    setEnded(key);
  };
  return (
    <dl ref={list}>
      {fields.map((field) => {
        const held = known.find((each) => each.key === field.key);
        return (
          <div
            key={field.key}
            className="grid grid-cols-[minmax(96px,2fr)_3fr] items-start gap-2 border-line-subtle border-t py-1 first:border-t-0"
          >
            <dt className="truncate py-1.5 text-ink-3" title={field.label}>
              {field.label}
            </dt>
            <dd className="min-w-0">
              {editing === field.key ? (
                <FieldEdit
                  field={field}
                  value={held?.value ?? null}
                  onSave={(next) => onSave(field.key, next, () => end(field.key))}
                  onEnd={() => end(field.key)}
                />
              ) : (
                <div className="group flex items-start">
                  <Shown
                    field={field}
                    held={held}
                    now={now}
                    locked={locked(field)}
                    note={note(field)}
                    onEdit={() => begin(field.key)}
                  />
                  {beside?.(field)}
                </div>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Shown({
  field,
  held,
  now,
  locked,
  note,
  onEdit,
}: {
  field: Field;
  held: FieldValue | undefined;
  now: string;
  locked: boolean;
  note: ReactNode;
  onEdit: () => void;
}) {
  const from = held && sourceText(held.provenance.source);
  return (
    <button
      type="button"
      disabled={locked}
      data-field={field.key}
      onClick={onEdit}
      title={held && `${from} · ${moment(held.provenance.at)}`}
      className="ring-inside block min-w-0 flex-1 rounded-control px-2 py-1.5 text-left enabled:hover:bg-hover"
    >
      <span className="sr-only">{t("contacts.edit_field", { field: field.label })}</span>
      <span className="block break-words">
        {held === undefined ? <span className="text-ink-3">{t("contacts.unknown_value")}</span> : valueText(held.value)}
      </span>
      {held === undefined
        ? note !== null && <span className="block truncate text-ink-3 text-meta">{note}</span>
        : from !== "" && (
            <span className="block truncate text-ink-3 text-meta">{`${from} · ${ago(held.provenance.at, now)}`}</span>
          )}
    </button>
  );
}
