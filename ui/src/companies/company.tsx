import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, AtSign, Building2, Trash2, Users } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { CompanyPage } from "@/api/gen/CompanyPage";
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
} from "@/design";
import { day, value } from "@/format";
import { t } from "@/i18n";
import { isOfCompany } from "@/shell/company-fields";
import { usePages } from "@/shell/pages";
import { Values } from "@/shell/values";
import { useRestore } from "./removed";
import { CompanyScores } from "./scores";

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
  const restore = useRestore();
  const remove = useWrite("companies.remove", {
    onSuccess: () => {
      const undo = { label: t("companies.undo"), run: () => restore(company.id) };
      say(t("companies.removed", { name: company.name }), undo);
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
  const write = useWrite("companies.update", { onError: sayError });
  return (
    <div className="min-h-0 flex-1 overflow-auto px-4 py-3">
      <h2 className="mb-1 font-semibold">{t("companies.fields")}</h2>
      <Values
        fields={fields}
        known={company.fields}
        onSave={(key, value, done) => write.mutate({ id: company.id, values: [{ key, value }] }, { onSuccess: done })}
      />
      <p className="mt-3 text-ink-3 text-table">{t("companies.fields_about")}</p>
      {page.scores.length > 0 && <CompanyScores scores={page.scores} />}
    </div>
  );
}
