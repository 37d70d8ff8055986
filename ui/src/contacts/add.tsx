import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import * as z from "zod/mini";
import { useWrite } from "@/api/client";
import type { Basis } from "@/api/gen/Basis";
import { ApiError } from "@/api/host";
import { Dialog, Field, Select, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { bases } from "@/shell/bases";
import { TagsInput } from "@/shell/tags-input";

const form = z.object({
  email: z.string().check(z.regex(/^\S+@\S+$/, "email")),
  first_name: z.string(),
  last_name: z.string(),
  tags: z.array(z.string()),
  basis: z.string(),
  source: z.string().check(z.minLength(1, "source")),
});
type Form = z.infer<typeof form>;

/** One contact by hand, with where it comes from. */
export function AddContact({ onClose }: { onClose: () => void }) {
  const { register, handleSubmit, setValue, setError, control, formState } = useForm<Form>({
    resolver: zodResolver(form),
    defaultValues: { email: "", first_name: "", last_name: "", tags: [], basis: "none", source: "" },
  });
  const basis = useWatch({ control, name: "basis" });
  const tags = useWatch({ control, name: "tags" });
  const add = useWrite("contacts.add", {
    onSuccess: (_, { email }) => {
      onClose();
      say(t("contacts.added", { email }));
    },
    onError: (error) => {
      const wrong = ApiError.of(error).fields.email;
      if (wrong === undefined) sayError(error);
      else setError("email", { message: wrong });
    },
  });
  const onSubmit = handleSubmit((given) => {
    const values = [
      { key: "first_name", text: given.first_name.trim() },
      { key: "last_name", text: given.last_name.trim() },
    ]
      .filter(({ text }) => text !== "")
      .map(({ key, text }) => ({ key, value: { type: "text" as const, value: text } }));
    add.mutate({
      email: given.email.trim(),
      values,
      tags: given.tags,
      basis: given.basis === "none" ? null : (given.basis as Basis),
      source: given.source.trim(),
    });
  });
  const { errors } = formState;
  const email = errors.email?.message === "email" ? t("contacts.form.email_wrong") : errors.email?.message;
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("contacts.add")}
      submit={{ label: t("contacts.add"), run: () => void onSubmit(), busy: add.isPending }}
    >
      <div className="grid grid-cols-2 gap-4">
        <Field label={t("contacts.columns.email")} error={email} className="col-span-2">
          <TextInput type="email" {...register("email")} />
        </Field>
        <Field label={t("contacts.form.first_name")} optional>
          <TextInput {...register("first_name")} />
        </Field>
        <Field label={t("contacts.form.last_name")} optional>
          <TextInput {...register("last_name")} />
        </Field>
        <Field label={t("contacts.columns.tags")} help={t("contacts.tag.help")} optional className="col-span-2">
          <TagsInput value={tags} onChange={(next) => setValue("tags", next)} />
        </Field>
        <Field label={t("contacts.form.basis")} help={t("contacts.form.basis_help")}>
          <Select
            value={basis}
            onChange={(next) => setValue("basis", next)}
            options={[{ value: "none", label: t("contacts.form.no_basis") }, ...bases()]}
          />
        </Field>
        <Field
          label={t("contacts.form.source")}
          help={t("contacts.form.source_help")}
          error={errors.source === undefined ? undefined : t("contacts.form.source_needed")}
        >
          <TextInput {...register("source")} />
        </Field>
      </div>
    </Dialog>
  );
}
