import { useState } from "react";
import { useWrite } from "@/api/client";
import type { Who } from "@/api/gen/Who";
import { Dialog, Field, say, sayError } from "@/design";
import { t } from "@/i18n";
import { TagsInput } from "@/shell/tags-input";

/** Adds tags to the chosen contacts and takes others away. */
export function TagDialog({ who, n, onClose }: { who: Who; n: number; onClose: () => void }) {
  const [add, setAdd] = useState<string[]>([]);
  const [remove, setRemove] = useState<string[]>([]);
  const write = useWrite("contacts.tag", {
    onSuccess: ({ changed }) => {
      onClose();
      say(t("contacts.tag.done", { n: changed }));
    },
    onError: sayError,
  });
  const nothing = add.length + remove.length === 0;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("contacts.tag.title")}
      about={t("contacts.selected", { n })}
      submit={{
        label: t("contacts.tag.action", { n }),
        run: () => write.mutate({ who, add, remove }),
        disabled: nothing,
        busy: write.isPending,
      }}
    >
      <div className="space-y-4">
        <Field label={t("contacts.tag.add")} help={t("contacts.tag.help")}>
          <TagsInput value={add} onChange={setAdd} />
        </Field>
        <Field label={t("contacts.tag.remove")} optional>
          <TagsInput value={remove} onChange={setRemove} />
        </Field>
      </div>
    </Dialog>
  );
}
