import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { invalidate, useWrite } from "@/api/client";
import type { FileRef } from "@/api/gen/FileRef";
import { host } from "@/api/host";
import { sayError } from "@/design";

/** Another file is another world: nothing read before is true in it. */
export function useEnter(): () => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  return () => {
    invalidate(client, "everything");
    void navigate({ to: "/home" });
  };
}

export function useOpenWorkspace() {
  const enter = useEnter();
  const write = useWrite("workspaces.open", { onSuccess: enter, onError: sayError });
  const open = (file: FileRef) => write.mutate({ file });
  const choose = async () => {
    try {
      const chosen = await host().chooseFile("workspace");
      if (chosen !== null) open(chosen.file);
    } catch (error) {
      sayError(error);
    }
  };
  return { open, choose, pending: write.isPending };
}
