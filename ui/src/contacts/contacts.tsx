import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import {
  Building2,
  Columns3,
  Filter,
  History,
  Import,
  Merge,
  Sparkles,
  Tag,
  Trash2,
  UserPlus,
  Users,
  X,
} from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ContactRow } from "@/api/gen/ContactRow";
import type { Field } from "@/api/gen/Field";
import type { Sort } from "@/api/gen/Sort";
import {
  Badge,
  Button,
  type Column,
  Confirm,
  EmptyState,
  ErrorNote,
  ErrorView,
  Grid,
  type GridHandle,
  IconButton,
  Menu,
  PageHead,
  SearchInput,
  say,
  sayError,
} from "@/design";
import { count, day, value } from "@/format";
import { t } from "@/i18n";
import { ExportMenu } from "@/shell/export";
import { usePages } from "@/shell/pages";
import { AddContact } from "./add";
import { CompanyDialog } from "./company";
import { FoldersWait } from "./import/folders";
import { EVERYBODY, extent, has, NOBODY, type Selection, size, toggle, whoOf } from "./selection";
import { TagDialog } from "./tags";

const route = getRouteApi("/contacts");
const KEPT = "carillon.contacts.columns";
/** So many tags stand in a row; the others are counted. */
const TAGS = 2;
const STANDARD = ["first_name", "last_name", "tags", "permission", "created_at"];

function keptColumns(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    return Array.isArray(kept) ? kept.map(String) : STANDARD;
  } catch {
    return STANDARD;
  }
}

const sortOf = (text: string | undefined): Sort | null => {
  if (text === undefined) return null;
  return text.startsWith("-") ? { key: text.slice(1), desc: true } : { key: text, desc: false };
};

/** Everybody, or those a search and a segment find. */
export function ContactsScreen() {
  const navigate = useNavigate();
  const { q, where, sort } = route.useSearch();
  const [typed, setTyped] = useState(q ?? "");
  const search = useDeferredValue(typed.trim());
  const fields = useRead("fields.list", {});
  const segments = useRead("segments.list", {});
  const [shown, setShown] = useState(keptColumns);
  const [selection, setSelection] = useState<Selection>(NOBODY);
  const [adding, setAdding] = useState(false);

  const asked = {
    where: where ?? null,
    search: search === "" ? null : search,
    sort: sortOf(sort),
    columns: (fields.data ?? []).map((field) => field.key).filter((key) => shown.includes(key)),
  };
  const list = usePages("contacts.page", asked, fields.isSuccess);
  const total = list.total ?? 0;
  const grid = useRef<GridHandle>(null);
  const change = (next: { q?: string; where?: string; sort?: string }) => {
    setSelection(NOBODY);
    // Another list begins at its first row.
    grid.current?.reveal(0);
    void navigate({ to: "/contacts", search: { q, where, sort, ...next }, replace: true });
  };
  const filtered = search !== "" || where !== undefined;
  const segment = segments.data?.find((each) => each.text === where);

  if (fields.isError) return <ErrorView error={fields.error} onRetry={() => void fields.refetch()} />;
  if (list.error !== null && list.total === undefined) return <ErrorView error={list.error} onRetry={list.refetch} />;
  const nobody = list.total === 0 && !filtered;
  return (
    <>
      <PageHead
        title={t("contacts.title")}
        about={list.total === undefined || nobody ? undefined : t("contacts.count", { n: total })}
      >
        <Link
          to="/contacts/companies"
          className="flex h-8 items-center gap-1.5 rounded-control px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink-1"
        >
          <Building2 size={16} aria-hidden />
          {t("companies.title")}
        </Link>
        {!nobody && (
          <>
            <Link
              to="/contacts/cleansing"
              className="flex h-8 items-center gap-1.5 rounded-control px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink-1"
            >
              <Sparkles size={16} aria-hidden />
              {t("contacts.cleansing.title")}
            </Link>
            <Link
              to="/contacts/duplicates"
              className="flex h-8 items-center gap-1.5 rounded-control px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink-1"
            >
              <Merge size={16} aria-hidden />
              {t("contacts.duplicates.title")}
            </Link>
          </>
        )}
        <Link
          to="/contacts/imports"
          className="flex h-8 items-center gap-1.5 rounded-control px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink-1"
        >
          <History size={16} aria-hidden />
          {t("contacts.imports")}
          <FoldersWait />
        </Link>
        {!nobody && (
          <>
            <Button icon={UserPlus} onClick={() => setAdding(true)}>
              {t("contacts.add")}
            </Button>
            <Button look="primary" icon={Import} onClick={() => void navigate({ to: "/contacts/import" })}>
              {t("contacts.import.title")}
            </Button>
          </>
        )}
      </PageHead>
      {nobody ? (
        <EmptyState icon={Users} title={t("contacts.empty.title")} about={t("contacts.empty.about")}>
          <Button look="primary" icon={Import} onClick={() => void navigate({ to: "/contacts/import" })}>
            {t("contacts.import.title")}
          </Button>
          <Button icon={UserPlus} onClick={() => setAdding(true)}>
            {t("contacts.add")}
          </Button>
        </EmptyState>
      ) : (
        <>
          <div className="flex shrink-0 items-center gap-2 px-6 pb-3">
            <SearchInput
              className="w-72"
              label={t("contacts.search")}
              value={typed}
              onChange={(next) => {
                setTyped(next);
                change({ q: next.trim() === "" ? undefined : next.trim() });
              }}
            />
            <Menu
              trigger={
                <Button icon={Filter}>
                  {where === undefined ? t("contacts.any_segment") : (segment?.name ?? t("contacts.custom_segment"))}
                </Button>
              }
              entries={
                segments.data === undefined || segments.data.length === 0
                  ? [{ label: t("contacts.no_segments"), onSelect: () => void navigate({ to: "/segments" }) }]
                  : segments.data.map((each) => ({
                      label: `${each.name} · ${count(each.count)}`,
                      checked: each.text === where,
                      onSelect: () => change({ where: each.text === where ? undefined : each.text }),
                    }))
              }
            />
            {where !== undefined && (
              <IconButton icon={X} label={t("contacts.clear_segment")} onClick={() => change({ where: undefined })} />
            )}
            <div className="flex-1" />
            <ColumnChooser
              fields={fields.data ?? []}
              shown={shown}
              onChange={(next) => {
                localStorage.setItem(KEPT, JSON.stringify(next));
                setShown(next);
              }}
            />
          </div>
          {list.error !== null && (
            <div className="px-6 pb-3">
              <ErrorNote error={list.error} onRetry={list.refetch} />
            </div>
          )}
          <Bulk
            selection={selection}
            total={total}
            where={asked.where}
            search={asked.search}
            columns={asked.columns}
            onDone={() => setSelection(NOBODY)}
          />
          <Grid
            ref={grid}
            label={t("contacts.title")}
            className="border-line-subtle border-t"
            columns={columnsOf(fields.data ?? [], shown)}
            rows={total}
            rowAt={list.rowAt}
            onRange={list.onRange}
            onOpen={(row) => void navigate({ to: "/contacts/$contact", params: { contact: String(row.id) } })}
            sort={asked.sort}
            onSort={(next) => change({ sort: next === null ? undefined : `${next.desc ? "-" : ""}${next.key}` })}
            selection={{
              has: (row) => has(selection, row.id),
              all: extent(selection, total),
              toggle: (row) => setSelection(toggle(selection, row.id)),
              toggleAll: () => setSelection(extent(selection, total) === "all" ? NOBODY : EVERYBODY),
              clear: () => setSelection(NOBODY),
              nameOf: (row) => row.email,
            }}
            empty={
              list.total === undefined ? undefined : (
                <EmptyState icon={Users} title={t("contacts.none_found")} about={t("contacts.none_found_about")}>
                  <Button
                    onClick={() => {
                      setTyped("");
                      change({ q: undefined, where: undefined });
                    }}
                  >
                    {t("contacts.show_everybody")}
                  </Button>
                </EmptyState>
              )
            }
          />
        </>
      )}
      {adding && <AddContact onClose={() => setAdding(false)} />}
    </>
  );
}

function columnsOf(fields: readonly Field[], shown: readonly string[]): Column<ContactRow>[] {
  const columns: Column<ContactRow>[] = [
    {
      key: "email",
      title: t("contacts.columns.email"),
      width: 260,
      sortable: true,
      cell: (row) => <span className="font-medium">{row.email}</span>,
    },
  ];
  for (const field of fields) {
    if (!shown.includes(field.key) || field.key === "email" || field.key === "created_at") continue;
    columns.push({
      key: field.key,
      title: field.label,
      width: field.type === "yes_no" ? 90 : 150,
      sortable: true,
      numeric: field.type === "number" || field.type === "money",
      cell: (row) => value(row.values[field.key]),
    });
  }
  if (shown.includes("tags")) {
    columns.push({
      key: "tags",
      title: t("contacts.columns.tags"),
      width: 200,
      cell: (row) => (
        <span className="flex gap-1 overflow-hidden" title={row.tags.join(", ")}>
          {row.tags.slice(0, TAGS).map((tag) => (
            <Badge key={tag}>{tag}</Badge>
          ))}
          {row.tags.length > TAGS && (
            <span className="figures shrink-0 text-ink-3">{`+${count(row.tags.length - TAGS)}`}</span>
          )}
        </span>
      ),
    });
  }
  if (shown.includes("permission")) {
    columns.push({
      key: "permission",
      title: t("contacts.columns.permission"),
      width: 140,
      cell: (row) =>
        row.suppressed ? (
          <Badge tone="bad" dot>
            {t("contacts.suppressed")}
          </Badge>
        ) : row.permitted ? (
          <Badge tone="ok" dot>
            {t("contacts.permitted")}
          </Badge>
        ) : (
          <Badge dot>{t("contacts.not_permitted")}</Badge>
        ),
    });
  }
  if (shown.includes("created_at")) {
    columns.push({
      key: "created_at",
      title: t("contacts.columns.created_at"),
      width: 130,
      sortable: true,
      numeric: true,
      cell: (row) => day(row.created_at),
    });
  }
  return columns;
}

function ColumnChooser({
  fields,
  shown,
  onChange,
}: {
  fields: readonly Field[];
  shown: readonly string[];
  onChange: (shown: string[]) => void;
}) {
  const choices = [
    ...fields
      .filter((field) => field.key !== "email" && field.key !== "created_at")
      .map(({ key, label }) => ({ key, label })),
    { key: "tags", label: t("contacts.columns.tags") },
    { key: "permission", label: t("contacts.columns.permission") },
    { key: "created_at", label: t("contacts.columns.created_at") },
  ];
  return (
    <Menu
      align="end"
      trigger={<IconButton icon={Columns3} label={t("contacts.choose_columns")} />}
      entries={choices.map(({ key, label }) => ({
        label,
        checked: shown.includes(key),
        onSelect: () => onChange(shown.includes(key) ? shown.filter((each) => each !== key) : [...shown, key]),
      }))}
    />
  );
}

function Bulk({
  selection,
  total,
  where,
  search,
  columns,
  onDone,
}: {
  selection: Selection;
  total: number;
  where: string | null;
  search: string | null;
  columns: string[];
  onDone: () => void;
}) {
  const [asking, setAsking] = useState<"tag" | "company" | "delete" | null>(null);
  const remove = useWrite("contacts.delete", {
    onSuccess: ({ deleted }) => {
      setAsking(null);
      onDone();
      say(t("contacts.deleted", { n: deleted }));
    },
    onError: sayError,
  });
  const n = size(selection, total);
  if (n === 0) return null;
  const who = whoOf(selection, where, search);
  return (
    <div
      role="toolbar"
      aria-label={t("contacts.bulk")}
      className="flex h-11 shrink-0 items-center gap-2 border-line-subtle border-t bg-selected px-6"
    >
      <span className="figures mr-2 font-medium" aria-live="polite">
        {t("contacts.selected", { n })}
      </span>
      <Button icon={Tag} onClick={() => setAsking("tag")}>
        {t("contacts.tag.title")}
      </Button>
      <Button icon={Building2} onClick={() => setAsking("company")}>
        {t("companies.company")}
      </Button>
      <ExportMenu list={{ of: "contacts", who, columns: ["email", ...columns] }} name="contacts" />
      <Button look="danger" icon={Trash2} onClick={() => setAsking("delete")}>
        {t("common.delete")}
      </Button>
      <div className="flex-1" />
      <Button look="quiet" onClick={onDone}>
        {t("contacts.clear_selection")}
      </Button>
      {asking === "company" && <CompanyDialog who={who} n={n} onClose={() => setAsking(null)} />}
      {asking === "tag" && <TagDialog who={who} n={n} onClose={() => setAsking(null)} />}
      <Confirm
        open={asking === "delete"}
        onClose={() => setAsking(null)}
        onConfirm={() => remove.mutate({ who })}
        busy={remove.isPending}
        title={t("contacts.delete_title", { n })}
        about={t("contacts.delete_about")}
        action={t("contacts.delete_action", { n })}
      />
    </div>
  );
}
