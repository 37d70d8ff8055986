import { Archive, Plus } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { Field as FieldDef } from "@/api/gen/Field";
import type { FieldType } from "@/api/gen/FieldType";
import {
  Badge,
  Button,
  Confirm,
  Dialog,
  ErrorView,
  Field,
  IconButton,
  Select,
  SkeletonLines,
  sayError,
  Table,
  TextArea,
  TextInput,
} from "@/design";
import { t } from "@/i18n";
import { isOfCompany } from "@/shell/company-fields";
import { PartHead } from "./part";

const TYPES: readonly FieldType[] = [
  "text",
  "number",
  "money",
  "yes_no",
  "choice",
  "multi_choice",
  "date",
  "date_time",
];

/** What is known of each contact. */
export function Fields() {
  const fields = useRead("fields.list", {});
  const [adding, setAdding] = useState(false);
  const [retiring, setRetiring] = useState<FieldDef | null>(null);
  const retire = useWrite("fields.retire", { onSuccess: () => setRetiring(null), onError: sayError });
  return (
    <>
      <PartHead title={t("settings.parts.fields")} about={t("settings.fields.about")}>
        <Button look="primary" icon={Plus} onClick={() => setAdding(true)}>
          {t("settings.fields.add")}
        </Button>
      </PartHead>
      {fields.isError && <ErrorView error={fields.error} onRetry={() => void fields.refetch()} />}
      {fields.data === undefined && !fields.isError && <SkeletonLines />}
      {fields.data !== undefined && (
        <div className="rounded-card border border-line-subtle bg-surface">
          <Table
            label={t("settings.parts.fields")}
            rows={fields.data}
            keyOf={(row) => row.key}
            columns={[
              {
                key: "label",
                title: t("settings.fields.label"),
                cell: (row) => <span className="font-medium">{row.label}</span>,
              },
              {
                key: "key",
                title: t("settings.fields.key"),
                cell: (row) => <span className="font-mono text-ink-2">{row.key}</span>,
              },
              {
                key: "of",
                title: t("settings.fields.of"),
                width: "110px",
                cell: (row) => t(`settings.fields.whose.${isOfCompany(row.key) ? "company" : "contact"}`),
              },
              {
                key: "type",
                title: t("settings.fields.type"),
                width: "150px",
                cell: (row) => t(`common.field_types.${row.type}`),
              },
              {
                key: "options",
                title: t("settings.fields.options"),
                cell: (row) => <span className="text-ink-2">{row.options?.join(", ")}</span>,
              },
              {
                key: "do",
                title: t("common.actions"),
                quiet: true,
                width: "96px",
                numeric: true,
                cell: (row) =>
                  row.built_in || row.score !== undefined ? (
                    <Badge>{t(row.built_in ? "settings.fields.built_in" : "settings.fields.scored")}</Badge>
                  ) : (
                    <IconButton
                      icon={Archive}
                      label={t("settings.fields.retire", { field: row.label })}
                      onClick={() => setRetiring(row)}
                    />
                  ),
              },
            ]}
          />
        </div>
      )}
      {adding && <AddField onClose={() => setAdding(false)} />}
      {retiring !== null && (
        <Confirm
          open
          onClose={() => setRetiring(null)}
          onConfirm={() => retire.mutate({ key: retiring.key })}
          busy={retire.isPending}
          title={t("settings.fields.retire_title", { field: retiring.label })}
          about={t("settings.fields.retire_about")}
          action={t("settings.fields.retire_action")}
        />
      )}
    </>
  );
}

function AddField({ onClose }: { onClose: () => void }) {
  const [label, setLabel] = useState("");
  const [of, setOf] = useState<"contact" | "company">("contact");
  const [type, setType] = useState<FieldType>("text");
  const [options, setOptions] = useState("");
  const add = useWrite("fields.add", { onSuccess: onClose, onError: sayError });
  const choice = type === "choice" || type === "multi_choice";
  const words = [
    ...new Set(
      options
        .split("\n")
        .map((word) => word.trim())
        .filter(Boolean),
    ),
  ];
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.fields.add")}
      submit={{
        label: t("settings.fields.add"),
        run: () =>
          add.mutate({
            key: null,
            label: label.trim(),
            type,
            options: choice ? words : [],
            of_company: of === "company",
          }),
        disabled: label.trim() === "" || (choice && words.length === 0),
        busy: add.isPending,
      }}
    >
      <div className="space-y-4">
        <Field label={t("settings.fields.label")}>
          <TextInput value={label} onChange={(event) => setLabel(event.target.value)} />
        </Field>
        <Field label={t("settings.fields.of")} help={t("settings.fields.of_help")}>
          <Select
            value={of}
            onChange={setOf}
            options={(["contact", "company"] as const).map((value) => ({
              value,
              label: t(`settings.fields.whose.${value}`),
            }))}
          />
        </Field>
        <Field label={t("settings.fields.type")} help={t("settings.fields.type_help")}>
          <Select
            value={type}
            onChange={setType}
            options={TYPES.map((value) => ({ value, label: t(`common.field_types.${value}`) }))}
          />
        </Field>
        {choice && (
          <Field label={t("settings.fields.options")} help={t("settings.fields.options_help")}>
            <TextArea value={options} onChange={(event) => setOptions(event.target.value)} />
          </Field>
        )}
      </div>
    </Dialog>
  );
}
