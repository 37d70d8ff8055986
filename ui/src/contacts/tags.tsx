import { useState } from "react";
import { useWrite } from "@/api/client";
import type { Who } from "@/api/gen/Who";
import { Button, Dialog, Field, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";

/** Words between commas, each once. */
export function tagsOf(text: string): string[] {
  return [
    ...new Set(
      text
        .split(",")
        .map((tag) => tag.trim())
        .filter((tag) => tag !== ""),
    ),
  ];
}

/** Adds tags to the chosen contacts and takes others away. */
export function TagDialog({ who, n, onClose }: { who: Who; n: number; onClose: () => void }) {
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const write = useWrite("contacts.tag", {
    onSuccess: ({ changed }) => {
      onClose();
      say(t("contacts.tag.done", { n: changed }));
    },
    onError: sayError,
  });
  const nothing = tagsOf(add).length + tagsOf(remove).length === 0;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("contacts.tag.title")}
      about={t("contacts.selected", { n })}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button
            look="primary"
            disabled={nothing}
            busy={write.isPending}
            onClick={() => write.mutate({ who, add: tagsOf(add), remove: tagsOf(remove) })}
          >
            {t("contacts.tag.action", { n })}
          </Button>
        </>
      }
    >
      <div className="space-y-4">
        <Field label={t("contacts.tag.add")} help={t("contacts.tag.help")}>
          <TextInput value={add} onChange={(event) => setAdd(event.target.value)} />
        </Field>
        <Field label={t("contacts.tag.remove")} optional>
          <TextInput value={remove} onChange={(event) => setRemove(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}
