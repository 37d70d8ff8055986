import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, AtSign, Building2, Plus } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { CompanyRow } from "@/api/gen/CompanyRow";
import type { Field } from "@/api/gen/Field";
import type { Sort } from "@/api/gen/Sort";
import {
  Button,
  CheckLine,
  type Column,
  Confirm,
  EmptyState,
  ErrorNote,
  ErrorView,
  Grid,
  SearchInput,
  say,
  sayError,
} from "@/design";
import { count, day, number, value } from "@/format";
import { t } from "@/i18n";
import { AddCompany } from "@/shell/add-company";
import { isOfCompany, NAMED } from "@/shell/company-fields";
import { ExportMenu } from "@/shell/export";
import { usePages } from "@/shell/pages";
import { RemovedCompanies } from "./removed";

const route = getRouteApi("/contacts/companies");

const sortOf = (text: string | undefined): Sort | null => {
  if (text === undefined) return null;
  return text.startsWith("-") ? { key: text.slice(1), desc: true } : { key: text, desc: false };
};

/** All companies, or those a search finds. */
export function CompaniesScreen() {
  const navigate = useNavigate();
  const { q, sort, alone } = route.useSearch();
  const [typed, setTyped] = useState(q ?? "");
  const search = useDeferredValue(typed.trim());
  const fields = useRead("fields.list", {});
  const [asking, setAsking] = useState<"add" | "connect" | null>(null);
  const own = (fields.data ?? []).filter((field) => isOfCompany(field.key) && !NAMED.has(field.key));
  const scores = (fields.data ?? []).filter((field) => typeof field.score === "string" && field.type === "number");
  const asked = {
    search: search === "" ? null : search,
    without_contacts: alone ?? false,
    sort: sortOf(sort),
    columns: [...own, ...scores].map((field) => field.key),
  };
  const list = usePages("companies.list", asked, fields.isSuccess);
  const total = list.total ?? 0;
  const change = (next: { q?: string; sort?: string; alone?: true }) =>
    void navigate({ to: "/contacts/companies", search: { q, sort, alone, ...next }, replace: true });
  const connect = useWrite("companies.connect_by_domain", {
    onSuccess: ({ changed }) => {
      setAsking(null);
      say(t("companies.connected", { n: changed }));
    },
    onError: sayError,
  });
  if (fields.isError) return <ErrorView error={fields.error} onRetry={() => void fields.refetch()} />;
  if (list.error !== null && list.total === undefined) return <ErrorView error={list.error} onRetry={list.refetch} />;
  const none = list.total === 0 && search === "" && alone === undefined;
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setAsking("add")}>
      {t("companies.add")}
    </Button>
  );
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 px-4 py-3">
        <Link
          to="/contacts"
          aria-label={t("companies.back_to_contacts")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <div className="min-w-0 flex-1">
          <h1 className="font-semibold text-section">{t("companies.title")}</h1>
          {list.total !== undefined && !none && <p className="text-ink-2">{t("companies.count", { n: total })}</p>}
        </div>
        <RemovedCompanies />
        {list.total !== undefined && !none && (
          <>
            <ExportMenu list={{ of: "companies" }} name="companies" />
            <Button icon={AtSign} onClick={() => setAsking("connect")}>
              {t("companies.connect_by_domain")}
            </Button>
            {add}
          </>
        )}
      </header>
      {none ? (
        <EmptyState icon={Building2} title={t("companies.empty.title")} about={t("companies.empty.about")}>
          {add}
        </EmptyState>
      ) : (
        <>
          <div className="flex shrink-0 items-center gap-2 px-6 pb-3">
            <SearchInput
              className="w-72"
              label={t("companies.search")}
              value={typed}
              onChange={(next) => {
                setTyped(next);
                change({ q: next.trim() === "" ? undefined : next.trim() });
              }}
            />
            <CheckLine
              checked={alone ?? false}
              onChange={(next) => change({ alone: next ? true : undefined })}
              label={t("companies.alone")}
            />
          </div>
          {list.error !== null && (
            <div className="px-6 pb-3">
              <ErrorNote error={list.error} onRetry={list.refetch} />
            </div>
          )}
          <Grid
            label={t("companies.title")}
            className="border-line-subtle border-t"
            columns={columnsOf(own, scores)}
            rows={total}
            rowAt={list.rowAt}
            onRange={list.onRange}
            onOpen={(row) => void navigate({ to: "/contacts/companies/$company", params: { company: String(row.id) } })}
            sort={asked.sort}
            onSort={(next) => change({ sort: next === null ? undefined : `${next.desc ? "-" : ""}${next.key}` })}
            empty={
              list.total === undefined ? undefined : (
                <EmptyState
                  icon={Building2}
                  title={t("companies.none_found")}
                  about={t(alone === undefined ? "companies.none_found_about" : "companies.none_alone_about")}
                />
              )
            }
          />
        </>
      )}
      {asking === "add" && (
        <AddCompany
          onClose={() => setAsking(null)}
          onDone={({ id }) => void navigate({ to: "/contacts/companies/$company", params: { company: String(id) } })}
        />
      )}
      <Confirm
        open={asking === "connect"}
        onClose={() => setAsking(null)}
        onConfirm={() => connect.mutate({ company: null })}
        busy={connect.isPending}
        danger={false}
        title={t("companies.connect_by_domain")}
        about={t("companies.connect_about")}
        action={t("companies.connect")}
      />
    </>
  );
}

function columnsOf(fields: readonly Field[], scores: readonly Field[]): Column<CompanyRow>[] {
  return [
    {
      key: "company.name",
      title: t("companies.name"),
      width: 260,
      sortable: true,
      cell: (row) => <span className="font-medium">{row.name}</span>,
    },
    {
      key: "company.domain",
      title: t("companies.domain"),
      width: 200,
      sortable: true,
      cell: (row) => row.domain,
    },
    {
      key: "contacts",
      title: t("companies.contacts"),
      width: 110,
      sortable: true,
      numeric: true,
      cell: (row) => count(row.contacts),
    },
    ...fields.map(
      (field): Column<CompanyRow> => ({
        key: field.key,
        title: field.label,
        width: field.type === "yes_no" ? 90 : 150,
        sortable: true,
        numeric: field.type === "number" || field.type === "money",
        cell: (row) => value(row.values[field.key]),
      }),
    ),
    ...scores.map(
      ({ key, label }): Column<CompanyRow> => ({
        key,
        title: label,
        width: 140,
        sortable: true,
        numeric: true,
        cell: (row) => {
          const points = row.scores[key];
          return points === undefined ? null : number(points);
        },
      }),
    ),
    {
      key: "created_at",
      title: t("companies.created_at"),
      width: 130,
      sortable: true,
      numeric: true,
      cell: (row) => day(row.created_at),
    },
  ];
}
