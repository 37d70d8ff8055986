import { ArchiveRestore, Save } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { FileRef } from "@/api/gen/FileRef";
import { host } from "@/api/host";
import { Button, Card, Confirm, say, sayError } from "@/design";
import { bytes } from "@/format";
import { t } from "@/i18n";
import { workspaceName } from "@/workspaces/name";
import { useEnter } from "@/workspaces/open";
import { PartHead } from "./part";

/** A copy of the file, and the way back from one. */
export function Backup() {
  const workspace = useRead("workspaces.current", {});
  const enter = useEnter();
  const info = workspace.data;
  const called = info ? workspaceName({ name: info.workspace.name, file: info.file }) : "workspace";
  const name = `${called.replace(/[\\/:*?"<>|]/g, " ")} ${new Date().toISOString().slice(0, 10)}.carillon`;
  const [chosen, setChosen] = useState<{ file: FileRef; name: string } | null>(null);
  const create = useWrite("backup.create", {
    onSuccess: (saved) => {
      host().deliver(saved, name);
      say(t("settings.backup.created", { size: bytes(saved.bytes) }));
    },
    onError: sayError,
  });
  const restore = useWrite("backup.restore", {
    onSuccess: ({ frozen, warning }) => {
      setChosen(null);
      enter();
      say(warning ?? t("settings.backup.restored", { n: frozen }));
    },
    onError: sayError,
  });
  const onCreate = async () => {
    try {
      const to = await host().chooseSave("backup", name);
      if (to !== null) create.mutate({ to });
    } catch (error) {
      sayError(error);
    }
  };
  const onRestore = async () => {
    try {
      setChosen(await host().chooseFile("backup"));
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <>
      <PartHead title={t("settings.parts.backup")} about={t("settings.backup.about")} />
      <Card title={t("settings.backup.create")}>
        <p className="mb-3 max-w-150 text-ink-2">{t("settings.backup.create_about")}</p>
        <Button look="primary" icon={Save} busy={create.isPending} onClick={() => void onCreate()}>
          {t("settings.backup.create")}
        </Button>
      </Card>
      {host().kind !== "http" && (
        <Card title={t("settings.backup.restore")}>
          <p className="mb-3 max-w-150 text-ink-2">{t("settings.backup.restore_about")}</p>
          <Button icon={ArchiveRestore} busy={restore.isPending} onClick={() => void onRestore()}>
            {t("settings.backup.restore_action")}
          </Button>
          <Confirm
            open={chosen !== null}
            onClose={() => setChosen(null)}
            onConfirm={() => chosen !== null && restore.mutate({ from: chosen.file })}
            busy={restore.isPending}
            title={t("settings.backup.restore_title", { name: chosen?.name ?? "" })}
            about={t("settings.backup.restore_about")}
            action={t("settings.backup.restore")}
          />
        </Card>
      )}
    </>
  );
}
