import { Link } from "@tanstack/react-router";
import { Building2, Pencil } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ContactPage } from "@/api/gen/ContactPage";
import type { Field } from "@/api/gen/Field";
import type { Who } from "@/api/gen/Who";
import { Button, Combobox, Dialog, IconButton, say, sayError } from "@/design";
import { value } from "@/format";
import { t } from "@/i18n";
import { AddCompany } from "@/shell/add-company";
import { isOfCompany, NAMED } from "@/shell/company-fields";
import { useDelayed } from "@/shell/delayed";

/** Which company a contact has, and what it reads of it. */
export function OfContact({ page, fields }: { page: ContactPage; fields: readonly Field[] }) {
  const { contact, company } = page;
  const [choosing, setChoosing] = useState(false);
  const [making, setMaking] = useState<string | null>(null);
  const connect = useWrite("companies.connect", { onSuccess: () => setChoosing(false), onError: sayError });
  const give = (id: number | null) => connect.mutate({ company: id, who: { ids: [contact.id] } });
  const read = fields.filter((field) => isOfCompany(field.key) && !NAMED.has(field.key));
  return (
    <section className="border-line-subtle border-b px-4 py-3">
      <div className="mb-1 flex h-8 items-center gap-2">
        <h2 className="flex-1 font-semibold">{t("companies.company")}</h2>
        {!choosing && <IconButton icon={Pencil} label={t("companies.choose")} onClick={() => setChoosing(true)} />}
      </div>
      {choosing ? (
        <div className="space-y-2">
          <Picker current={company} onChange={give} onMake={setMaking} />
          <Button look="quiet" onClick={() => setChoosing(false)}>
            {t("common.cancel")}
          </Button>
        </div>
      ) : company === null ? (
        <p className="text-ink-3">{t("companies.none")}</p>
      ) : (
        <>
          <Link
            to="/contacts/companies/$company"
            params={{ company: String(company.id) }}
            className="ring-inside flex h-8 items-center gap-2 rounded-control px-2 hover:bg-hover"
          >
            <Building2 size={16} aria-hidden className="shrink-0 text-ink-3" />
            <span className="truncate">{company.name}</span>
          </Link>
          <dl>
            {read.map((field) => {
              const known = contact.fields.find((each) => each.key === field.key);
              if (known === undefined) return null;
              return (
                <div key={field.key} className="grid grid-cols-[minmax(96px,2fr)_3fr] gap-2 px-2 py-1">
                  <dt className="truncate text-ink-3" title={field.label}>
                    {field.label}
                  </dt>
                  <dd className="min-w-0 break-words">{value(known.value)}</dd>
                </div>
              );
            })}
          </dl>
        </>
      )}
      {making !== null && <AddCompany name={making} onClose={() => setMaking(null)} onDone={(made) => give(made.id)} />}
    </section>
  );
}

/** Gives the chosen contacts one company, or none. */
export function CompanyDialog({ who, n, onClose }: { who: Who; n: number; onClose: () => void }) {
  const [making, setMaking] = useState<string | null>(null);
  const connect = useWrite("companies.connect", {
    onSuccess: ({ changed }) => {
      onClose();
      say(t("companies.changed", { n: changed }));
    },
    onError: sayError,
  });
  const give = (company: number | null) => connect.mutate({ company, who });
  if (making !== null) {
    return <AddCompany name={making} onClose={() => setMaking(null)} onDone={(made) => give(made.id)} />;
  }
  return (
    <Dialog open onClose={onClose} width="small" title={t("companies.choose")} about={t("contacts.selected", { n })}>
      <div className="flex items-center gap-2">
        <div className="min-w-0 flex-1">
          <Picker current={null} onChange={give} onMake={setMaking} />
        </div>
        <Button busy={connect.isPending} onClick={() => give(null)}>
          {t("companies.no_company")}
        </Button>
      </div>
    </Dialog>
  );
}

const NONE = "none";
const NEW = "new";

/** Finds a company by a few letters, or makes one. */
function Picker({
  current,
  onChange,
  onMake,
}: {
  current: ContactPage["company"];
  onChange: (id: number | null) => void;
  onMake: (name: string) => void;
}) {
  const [words, setWords] = useState("");
  const search = useDelayed(words.trim(), 120);
  const found = useRead(
    "companies.list",
    { search: search === "" ? null : search, sort: null, offset: 0, limit: 20, columns: [] },
    { keep: true },
  );
  const options = [
    ...(current === null ? [] : [{ value: NONE, label: t("companies.no_company"), about: "" }]),
    ...(found.data?.rows ?? []).map((row) => ({ value: String(row.id), label: row.name, about: row.domain ?? "" })),
    { value: NEW, label: t("companies.new"), about: "" },
  ];
  return (
    <Combobox
      label={t("companies.choose")}
      placeholder={current?.name ?? t("companies.find")}
      // Choosing is done at once and nothing is held: with a value, every answer of the search would put its name back.
      value={null}
      onChange={(next) => {
        if (next === NONE) onChange(null);
        else if (next === NEW) onMake(words.trim());
        else if (next !== null) onChange(Number(next));
      }}
      onSearch={(typed) => setWords(options.some((each) => each.label === typed) ? "" : typed)}
      options={options}
    />
  );
}
