import { useRead } from "@/api/client";

/** The zone of the workspace, in which every moment is shown and typed. */
export function useZone(): string {
  return useRead("workspaces.current", {}).data?.workspace.time_zone ?? "UTC";
}
