import { useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { useWrite } from "@/api/client";
import type { ClockKind } from "@/api/gen/ClockKind";
import { host } from "@/api/host";
import { Choices, Combobox, Dialog, ErrorView, Field, TextInput } from "@/design";
import { t } from "@/i18n";
import { mayLeave } from "@/shell/unsaved";
import { fromZoned, toZoned } from "@/shell/zoned";
import { ownZone, ZONES } from "@/shell/zones";
import { useEnter } from "./open";

interface Form {
  name: string;
  zone: string;
  clock: ClockKind;
  start: string;
}

/** Asks what a new workspace is to be, then where its file goes. */
export default function CreateForm({ onClose }: { onClose: () => void }) {
  const enter = useEnter();
  const [error, setError] = useState<unknown>(null);
  const form = useForm<Form>({
    defaultValues: { name: "", zone: ownZone(), clock: "real", start: toZoned(new Date().toISOString(), ownZone()) },
  });
  const { zone, clock } = useWatch({ control: form.control }) as Form;
  const create = useWrite("workspaces.create", {
    onSuccess: () => {
      onClose();
      enter();
    },
    onError: setError,
  });
  const onSubmit = form.handleSubmit(async (values) => {
    try {
      if (!(await mayLeave())) return;
      const file = await host().chooseSave("workspace", `${values.name.replace(/[^\p{L}\p{N} _-]/gu, "")}.carillon`);
      if (file === null) return;
      create.mutate({
        file,
        name: values.name.trim(),
        clock: values.clock,
        start: values.clock === "virtual" ? fromZoned(values.start, values.zone) : null,
        time_zone: values.zone,
      });
    } catch (thrown) {
      setError(thrown);
    }
  });
  const { errors } = form.formState;
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("workspaces.form.title")}
      about={t("workspaces.form.about")}
      submit={{ label: t("workspaces.form.create"), run: () => void onSubmit(), busy: create.isPending }}
    >
      <div className="space-y-4">
        <Field label={t("workspaces.form.name")} error={errors.name?.message}>
          <TextInput
            {...form.register("name", { validate: (name) => name.trim() !== "" || t("workspaces.form.name_needed") })}
          />
        </Field>
        <Field label={t("workspaces.form.zone")} help={t("workspaces.form.zone_help")}>
          <Combobox
            label={t("workspaces.form.zone")}
            value={zone}
            onChange={(next) => next !== null && form.setValue("zone", next)}
            options={ZONES}
          />
        </Field>
        <div>
          <p className="mb-1 font-medium">{t("workspaces.form.clock")}</p>
          <Choices
            label={t("workspaces.form.clock")}
            columns={2}
            value={clock}
            onChange={(next) => form.setValue("clock", next)}
            options={[
              { value: "real", label: t("workspaces.form.real"), about: t("workspaces.form.real_about") },
              { value: "virtual", label: t("workspaces.form.virtual"), about: t("workspaces.form.virtual_about") },
            ]}
          />
          <p className="mt-1 text-ink-3 text-table">{t("workspaces.form.fixed")}</p>
        </div>
        {clock === "virtual" && (
          <Field label={t("workspaces.form.start")} error={errors.start?.message}>
            <TextInput
              type="datetime-local"
              {...form.register("start", {
                validate: (start) => fromZoned(start, zone) !== null || t("workspaces.form.start_needed"),
              })}
            />
          </Field>
        )}
        {error !== null && <ErrorView error={error} />}
      </div>
    </Dialog>
  );
}
