import { useState } from "react";
import { useWrite } from "@/api/client";
import type { CompanyFound } from "@/api/gen/CompanyFound";
import { ApiError } from "@/api/host";
import { Dialog, Field, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";

/** One company by hand. */
export function AddCompany({
  name: proposed = "",
  onClose,
  onDone,
}: {
  name?: string;
  onClose: () => void;
  onDone: (made: CompanyFound) => void;
}) {
  const [name, setName] = useState(proposed);
  const [domain, setDomain] = useState("");
  const create = useWrite("companies.create", {
    onSuccess: (made) => {
      onClose();
      say(t("companies.added", { name: name.trim() }));
      onDone(made);
    },
    onError: (error) => {
      if (Object.keys(ApiError.of(error).fields).length === 0) sayError(error);
    },
  });
  const wrong = create.error === null ? {} : ApiError.of(create.error).fields;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("companies.add")}
      submit={{
        label: t("companies.add"),
        run: () =>
          create.mutate({ name: name.trim(), domain: domain.trim() === "" ? null : domain.trim(), values: [] }),
        disabled: name.trim() === "",
        busy: create.isPending,
      }}
    >
      <div className="space-y-4">
        <Field label={t("companies.name")} error={wrong.name}>
          <TextInput value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("companies.domain")} help={t("companies.domain_help")} error={wrong.domain} optional>
          <TextInput value={domain} onChange={(event) => setDomain(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}
