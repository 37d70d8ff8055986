import { X } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { FormDefinition } from "@/api/gen/FormDefinition";
import { CheckBox, CheckLine, Dialog, Field, IconButton, Select, TextArea, TextInput } from "@/design";
import { t } from "@/i18n";
import { isOfCompany } from "@/shell/company-fields";
import {
  asksConsent,
  definitionOf,
  editOf,
  type FormEdit,
  type FormFault,
  faultsOf,
  isChoice,
  keyFor,
  kindsOf,
} from "./form-draft";

/** What a form cannot fill in: it is asked for anyway, or is Carillon's own. */
const NOT_ASKED = new Set(["email", "created_at", "time_zone"]);

/** What is no field of a contact: the answer stands on the timeline. */
const OWN = " own";

function freeKey(taken: ReadonlySet<string>): string {
  let n = 1;
  while (taken.has(`answer_${n}`)) n += 1;
  return `answer_${n}`;
}

/** What a new form says when it was sent. */
const thanksOf = (doubleOptIn: boolean) =>
  t(doubleOptIn ? "settings.forms.default_thanks_confirm" : "settings.forms.default_thanks");

/** A form of the relay: its words, what it asks for and what one agrees to. */
export function FormDialog({
  form,
  base,
  taken,
  busy,
  onClose,
  onSave,
}: {
  form: FormDefinition | null;
  /** The address up to the form's key. */
  base: string;
  /** Keys of the other forms. */
  taken: readonly string[];
  busy: boolean;
  onClose: () => void;
  onSave: (form: FormDefinition) => void;
}) {
  const [edit, setEdit] = useState(() =>
    editOf(form, { button: t("settings.forms.default_button"), thanks: thanksOf(true) }),
  );
  /** A new form's key follows its title until somebody writes another. */
  const [own, setOwn] = useState(form !== null);
  const [tried, setTried] = useState(false);
  const faults = faultsOf(edit, taken);
  const wrong = (...kinds: FormFault[]) => {
    const found = tried ? kinds.find((kind) => faults.includes(kind)) : undefined;
    return found === undefined ? undefined : t(`settings.forms.wrong.${found}`);
  };
  const change = (next: Partial<FormEdit>) => setEdit({ ...edit, ...next });
  const run = () => {
    setTried(true);
    if (faults.length === 0) onSave(definitionOf(edit, form, t("settings.forms.default_email")));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={form === null ? t("settings.forms.add_title") : t("settings.forms.edit_title", { name: form.title })}
      submit={{ label: t("common.save"), run, busy }}
    >
      <div className="space-y-4">
        <Field label={t("settings.forms.form_title")} error={wrong("title")}>
          <TextInput
            value={edit.title}
            onChange={(event) => {
              const title = event.target.value;
              change(own ? { title } : { title, key: keyFor(title) });
            }}
          />
        </Field>
        <Field
          label={t("settings.forms.key")}
          help={
            <>
              {t("settings.forms.key_help")} <span className="break-all font-mono">{base + edit.key}</span>
            </>
          }
          error={wrong("key", "key_taken")}
        >
          <TextInput
            className="font-mono"
            value={edit.key}
            onChange={(event) => {
              setOwn(true);
              change({ key: event.target.value });
            }}
          />
        </Field>
        <Field label={t("settings.forms.intro")} optional>
          <TextArea rows={2} value={edit.intro} onChange={(event) => change({ intro: event.target.value })} />
        </Field>
        <Asked edit={edit} error={wrong("label", "options")} onChange={(fields) => change({ fields })} />
        <Field label={t("settings.forms.consent")} help={t("settings.forms.consent_help")} optional>
          <TextArea rows={2} value={edit.marketing} onChange={(event) => change({ marketing: event.target.value })} />
        </Field>
        <Field label={t("settings.forms.tracking")} help={t("settings.forms.tracking_help")} optional>
          <TextArea rows={2} value={edit.tracking} onChange={(event) => change({ tracking: event.target.value })} />
        </Field>
        {asksConsent(edit) && (
          <CheckLine
            checked={edit.doubleOptIn}
            onChange={(doubleOptIn) =>
              change({
                doubleOptIn,
                // Words nobody has written in say what happens now.
                thanks: edit.thanks === thanksOf(!doubleOptIn) ? thanksOf(doubleOptIn) : edit.thanks,
              })
            }
            label={t("settings.forms.double_opt_in")}
            about={t("settings.forms.double_opt_in_about")}
          />
        )}
        <Field label={t("settings.forms.button")} error={wrong("button")}>
          <TextInput value={edit.button} onChange={(event) => change({ button: event.target.value })} />
        </Field>
        <Field label={t("settings.forms.thanks")} help={t("settings.forms.thanks_help")} error={wrong("thanks")}>
          <TextArea rows={2} value={edit.thanks} onChange={(event) => change({ thanks: event.target.value })} />
        </Field>
      </div>
    </Dialog>
  );
}

function Asked({
  edit,
  error,
  onChange,
}: {
  edit: FormEdit;
  error: string | undefined;
  onChange: (fields: FormEdit["fields"]) => void;
}) {
  const known = useRead("fields.list", {});
  const asked = new Set(edit.fields.map(({ key }) => key));
  const left = (known.data ?? []).filter(
    ({ key, type, score }) =>
      score === undefined && !isOfCompany(key) && kindsOf(type).length > 0 && !NOT_ASKED.has(key) && !asked.has(key),
  );
  const typeOf = (key: string) => known.data?.find((each) => each.key === key)?.type;
  const put = (key: string, next: Partial<FormEdit["fields"][number]>) =>
    onChange(edit.fields.map((field) => (field.key === key ? { ...field, ...next } : field)));
  return (
    <section aria-label={t("settings.forms.asks")}>
      <h3 className="font-medium">{t("settings.forms.asks")}</h3>
      <p className="text-ink-3 text-table">{t("settings.forms.asks_help")}</p>
      <ul className="mt-2 space-y-2 empty:hidden">
        {edit.fields.map((field) => {
          const name = known.data?.find(({ key }) => key === field.key)?.label ?? field.key;
          return (
            <li key={field.key} className="flex flex-wrap items-center gap-2">
              <span className="w-28 truncate text-ink-2" title={field.key}>
                {name}
              </span>
              <div className="min-w-0 flex-1 basis-40">
                <TextInput
                  aria-label={t("settings.forms.field_label", { field: name })}
                  value={field.label}
                  onChange={(event) => put(field.key, { label: event.target.value })}
                />
              </div>
              <Select
                className="w-36"
                label={t("settings.forms.kind_of", { field: name })}
                value={field.kind}
                onChange={(kind) => put(field.key, { kind })}
                options={kindsOf(typeOf(field.key)).map((kind) => ({
                  value: kind,
                  label: t(`settings.forms.kinds.${kind}`),
                }))}
              />
              {field.kind !== "hidden" && (
                <span className="flex items-center gap-1.5">
                  <CheckBox
                    checked={field.required}
                    onChange={(required) => put(field.key, { required })}
                    label={t("settings.forms.required_of", { field: name })}
                  />
                  <span aria-hidden>{t("settings.forms.required")}</span>
                </span>
              )}
              <IconButton
                icon={X}
                label={t("settings.forms.remove_field", { field: name })}
                onClick={() => onChange(edit.fields.filter(({ key }) => key !== field.key))}
              />
              {isChoice(field.kind) && (
                <div className="w-full pl-30">
                  <TextArea
                    rows={3}
                    aria-label={t("settings.forms.options_of", { field: name })}
                    placeholder={t("settings.forms.options")}
                    value={field.options}
                    onChange={(event) => put(field.key, { options: event.target.value })}
                  />
                </div>
              )}
              {field.kind === "hidden" && (
                <div className="w-full pl-30">
                  <TextInput
                    aria-label={t("settings.forms.value_of", { field: name })}
                    placeholder={t("settings.forms.value")}
                    value={field.value}
                    onChange={(event) => put(field.key, { value: event.target.value })}
                  />
                </div>
              )}
            </li>
          );
        })}
      </ul>
      {error !== undefined && (
        <p role="alert" className="mt-1 text-bad text-table">
          {error}
        </p>
      )}
      <Select
        className="mt-2 w-56"
        label={t("settings.forms.add_field")}
        placeholder={t("settings.forms.add_field")}
        value={null}
        onChange={(key) => {
          const found = left.find((each) => each.key === key);
          const own = found === undefined ? freeKey(asked) : key;
          onChange([
            ...edit.fields,
            {
              key: own,
              label: found?.label ?? t("settings.forms.own_label"),
              required: false,
              kind: kindsOf(found?.type)[0] ?? "text",
              options: found?.options?.join("\n") ?? "",
              value: "",
            },
          ]);
        }}
        options={[
          ...left.map(({ key, label }) => ({ value: key, label })),
          { value: OWN, label: t("settings.forms.own_field") },
        ]}
      />
    </section>
  );
}
