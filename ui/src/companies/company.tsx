import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, AtSign, Building2, Trash2, Users } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { CompanyPage } from "@/api/gen/CompanyPage";
import type { CompanyScore } from "@/api/gen/CompanyScore";
import type { ContactRow } from "@/api/gen/ContactRow";
import type { Field } from "@/api/gen/Field";
import type { Sort } from "@/api/gen/Sort";
import {
  Badge,
  Button,
  type Column,
  Confirm,
  EmptyState,
  ErrorView,
  Grid,
  SkeletonLines,
  SplitPane,
  say,
  sayError,
  Table,
} from "@/design";
import { ago, day, moment, number, value } from "@/format";
import { t } from "@/i18n";
import { isOfCompany } from "@/shell/company-fields";
import { FieldEdit } from "@/shell/edit";
import { useNow } from "@/shell/now";
import { usePages } from "@/shell/pages";
import { sourceText } from "@/shell/timeline";

const route = getRouteApi("/contacts/companies/$company");

/** One company: what is known of it, and its contacts. */
export function CompanyScreen() {
  const id = Number(route.useParams().company);
  const page = useRead("companies.get", { id });
  const fields = useRead("fields.list", {});
  if (page.isError) return <ErrorView error={page.error} onRetry={() => void page.refetch()} />;
  if (page.data === undefined) return <SkeletonLines lines={10} />;
  return <Shown page={page.data} fields={(fields.data ?? []).filter((field) => isOfCompany(field.key))} />;
}

function Shown({ page, fields }: { page: CompanyPage; fields: readonly Field[] }) {
  const navigate = useNavigate();
  const [removing, setRemoving] = useState(false);
  const { company, contacts } = page;
  const remove = useWrite("companies.remove", {
    onSuccess: () => {
      say(t("companies.removed", { name: company.name }));
      void navigate({ to: "/contacts/companies" });
    },
    onError: sayError,
  });
  const connect = useWrite("companies.connect_by_domain", {
    onSuccess: ({ changed }) => say(t("companies.connected", { n: changed })),
    onError: sayError,
  });
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/contacts/companies"
          aria-label={t("companies.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <span
          aria-hidden
          className="flex size-10 shrink-0 items-center justify-center rounded-card bg-selected text-accent-text"
        >
          <Building2 size={20} />
        </span>
        <div className="min-w-0 flex-1">
          <h1 className="truncate font-semibold text-section">{company.name}</h1>
          <p className="truncate text-ink-2">
            {[
              company.domain,
              t("companies.people", { n: contacts }),
              t("companies.since", { day: day(company.created_at) }),
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
        <Button
          icon={AtSign}
          disabled={company.domain === null}
          busy={connect.isPending}
          onClick={() => connect.mutate({ company: company.id })}
        >
          {t("companies.connect_by_domain")}
        </Button>
        <Button look="danger" icon={Trash2} onClick={() => setRemoving(true)}>
          {t("common.delete")}
        </Button>
      </header>
      <SplitPane
        label={t("companies.details")}
        remember="company"
        initial={380}
        first={<Contacts company={company.id} />}
        second={<Details page={page} fields={fields} />}
      />
      <Confirm
        open={removing}
        onClose={() => setRemoving(false)}
        onConfirm={() => remove.mutate({ id: company.id })}
        busy={remove.isPending}
        title={t("companies.remove_title", { name: company.name })}
        about={t("companies.remove_about", { n: contacts })}
        action={t("companies.remove")}
      />
    </>
  );
}

const COLUMNS = (): Column<ContactRow>[] => [
  {
    key: "email",
    title: t("contacts.columns.email"),
    width: 260,
    sortable: true,
    cell: (row) => <span className="font-medium">{row.email}</span>,
  },
  {
    key: "first_name",
    title: t("contacts.form.first_name"),
    width: 130,
    sortable: true,
    cell: (row) => value(row.values.first_name),
  },
  {
    key: "last_name",
    title: t("contacts.form.last_name"),
    width: 130,
    sortable: true,
    cell: (row) => value(row.values.last_name),
  },
  {
    key: "permission",
    title: t("contacts.columns.permission"),
    width: 140,
    cell: (row) => (
      <Badge tone={row.suppressed ? "bad" : row.permitted ? "ok" : "neutral"} dot>
        {t(row.suppressed ? "contacts.suppressed" : row.permitted ? "contacts.permitted" : "contacts.not_permitted")}
      </Badge>
    ),
  },
];

function Contacts({ company }: { company: number }) {
  const navigate = useNavigate();
  const [sort, setSort] = useState<Sort | null>(null);
  const list = usePages("contacts.page", {
    where: null,
    search: null,
    company,
    sort,
    columns: ["first_name", "last_name"],
  });
  if (list.error !== null && list.total === undefined) return <ErrorView error={list.error} onRetry={list.refetch} />;
  return (
    <Grid
      label={t("companies.its_contacts")}
      columns={COLUMNS()}
      rows={list.total ?? 0}
      rowAt={list.rowAt}
      keyOf={(row) => row.id}
      onRange={list.onRange}
      onOpen={(row) => void navigate({ to: "/contacts/$contact", params: { contact: String(row.id) } })}
      sort={sort}
      onSort={setSort}
      empty={
        list.total === undefined ? undefined : (
          <EmptyState icon={Users} title={t("companies.no_contacts")} about={t("companies.no_contacts_about")} />
        )
      }
    />
  );
}

function Details({ page, fields }: { page: CompanyPage; fields: readonly Field[] }) {
  const { company } = page;
  const now = useNow();
  const [editing, setEditing] = useState<string | null>(null);
  const [ended, setEnded] = useState<string | null>(null);
  const values = useRef<HTMLDListElement>(null);
  // The keyboard comes back to the value it came from, unless it has gone elsewhere by itself.
  useEffect(() => {
    if (ended === null || document.activeElement !== document.body) return;
    values.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(ended)}"]`)?.focus();
  }, [ended]);
  const end = (key: string) => {
    setEditing(null);
    setEnded(key);
  };
  const write = useWrite("companies.update", { onError: sayError });
  return (
    <div className="min-h-0 flex-1 overflow-auto px-4 py-3">
      <h2 className="mb-1 font-semibold">{t("companies.fields")}</h2>
      <dl ref={values}>
        {fields.map((field) => {
          const known = company.fields.find((each) => each.key === field.key);
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
                    value={known?.value ?? null}
                    onSave={(next) =>
                      write.mutate(
                        { id: company.id, values: [{ key: field.key, value: next }] },
                        { onSuccess: () => end(field.key) },
                      )
                    }
                    onEnd={() => end(field.key)}
                  />
                ) : (
                  <button
                    type="button"
                    data-field={field.key}
                    onClick={() => {
                      setEditing(field.key);
                      setEnded(null);
                    }}
                    title={
                      known === undefined
                        ? undefined
                        : `${sourceText(known.provenance.source)} · ${moment(known.provenance.at)}`
                    }
                    className="ring-inside block w-full rounded-control px-2 py-1.5 text-left hover:bg-hover"
                  >
                    <span className="sr-only">{t("contacts.edit_field", { field: field.label })}</span>
                    <span className="block break-words">
                      {known === undefined ? (
                        <span className="text-ink-3">{t("contacts.unknown_value")}</span>
                      ) : (
                        value(known.value)
                      )}
                    </span>
                    {known !== undefined && (
                      <span className="block truncate text-ink-3 text-meta">
                        {`${sourceText(known.provenance.source)} · ${ago(known.provenance.at, now)}`}
                      </span>
                    )}
                  </button>
                )}
              </dd>
            </div>
          );
        })}
      </dl>
      <p className="mt-3 text-ink-3 text-table">{t("companies.fields_about")}</p>
      {page.scores.length > 0 && (
        <section className="mt-4" aria-label={t("companies.scores.title")}>
          <h2 className="mb-1 font-semibold">{t("companies.scores.title")}</h2>
          <Table
            label={t("companies.scores.title")}
            rows={page.scores}
            keyOf={(row) => row.key}
            columns={[
              { key: "label", title: t("companies.scores.score"), cell: (row) => row.label },
              ...(["sum", "max", "mean"] as const).map((key) => ({
                key,
                title: t(`companies.scores.${key}`),
                width: "76px",
                numeric: true,
                cell: (row: CompanyScore) => number(row[key]),
              })),
            ]}
          />
        </section>
      )}
    </div>
  );
}
