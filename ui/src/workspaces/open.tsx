import { useMutationState, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type Req, useWrite } from "@/api/client";
import type { FileRef } from "@/api/gen/FileRef";
import { host } from "@/api/host";
import { sayError, unsay, Waiting } from "@/design";
import { t } from "@/i18n";
import { mayLeave } from "@/shell/unsaved";
import { workspaceName } from "./name";

/** Another file is another world: nothing read or said before is true in it. */
export function useEnter(): () => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  return () => {
    unsay();
    // Not only asked again: nobody may see one client's people in another one's workspace, not for a moment.
    void client.resetQueries();
    void navigate({ to: "/home", ignoreBlocker: true });
  };
}

export function useOpenWorkspace() {
  const enter = useEnter();
  const write = useWrite("workspaces.open", { onSuccess: enter, onError: sayError });
  const open = async (file: FileRef) => {
    if (await mayLeave()) write.mutate({ file });
  };
  const choose = async () => {
    try {
      const chosen = await host().chooseFile("workspace");
      if (chosen !== null) await open(chosen.file);
    } catch (error) {
      sayError(error);
    }
  };
  return { open, choose, pending: write.isPending };
}

/** What the workspace is called that is being opened; null where none is. */
export function useOpening(): string | null {
  const [asked] = useMutationState({
    filters: { mutationKey: ["workspaces.open"], status: "pending" },
    select: (opening) => opening.state.variables as Req<"workspaces.open">,
  });
  return asked === undefined ? null : workspaceName({ name: "", file: "path" in asked.file ? asked.file.path : "" });
}

/** Says that a workspace opens: its index is read from its rows, which takes a large one some seconds. */
export function Opening({ name }: { name: string | null }) {
  return (
    <Waiting
      open={name !== null}
      title={t("workspaces.opening", { name: name ?? "" })}
      about={t("workspaces.opening_about")}
    />
  );
}
