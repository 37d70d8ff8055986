import type { Standing } from "@/api/gen/Standing";
import { Choices, Field, Select, TextArea, TextInput } from "@/design";
import { t } from "@/i18n";
import { bases } from "@/shell/bases";
import { TagsInput } from "@/shell/tags-input";
import type { Permission } from "./plan";

const STANDINGS: readonly Standing[] = ["free", "not_permitted", "unsubscribed", "bounced", "blocked", "complained"];

/** On what ground these people are written to, and where they come from: kept for each of them. */
export function PermissionStep({ value, onChange }: { value: Permission; onChange: (value: Permission) => void }) {
  return (
    <div className="mx-auto max-w-180 space-y-5 px-6 py-6">
      <div>
        <h2 className="font-semibold text-section">{t("contacts.import.permission")}</h2>
        <p className="text-ink-2">{t("contacts.import.permission_about")}</p>
      </div>
      <Choices
        label={t("contacts.form.basis")}
        columns={2}
        value={value.basis}
        onChange={(basis) => onChange({ ...value, basis })}
        options={[
          ...bases().map((each) => ({ ...each, about: t(`contacts.bases_about.${each.value}`) })),
          { value: "none" as const, label: t("contacts.import.no_basis"), about: t("contacts.import.no_basis_about") },
        ]}
      />
      <Field label={t("contacts.form.source")} help={t("contacts.form.source_help")}>
        <TextInput value={value.source} onChange={(event) => onChange({ ...value, source: event.target.value })} />
      </Field>
      {value.basis !== "none" && (
        <Field label={t("contacts.consent.wording")} help={t("contacts.consent.wording_help")} optional>
          <TextArea value={value.wording} onChange={(event) => onChange({ ...value, wording: event.target.value })} />
        </Field>
      )}
      <Field label={t("contacts.import.everybody")} help={t("contacts.import.everybody_help")}>
        <Select
          value={value.everybody}
          onChange={(everybody) => onChange({ ...value, everybody })}
          options={STANDINGS.map((standing) => ({
            value: standing,
            label: t(`contacts.import.everybody_is.${standing}`),
          }))}
        />
      </Field>
      <Field label={t("contacts.import.tags")} help={t("contacts.tag.help")} optional>
        <TagsInput value={value.tags} onChange={(tags) => onChange({ ...value, tags })} />
      </Field>
    </div>
  );
}
