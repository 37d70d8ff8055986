import { getRouteApi } from "@tanstack/react-router";
import { useRead } from "@/api/client";
import { ErrorView, SkeletonLines } from "@/design";
import { Flow } from "./flow";
import { Live } from "./live";

const route = getRouteApi("/campaigns/$campaign");

/** One campaign: set up in steps until it is confirmed, watched from then on. */
export function CampaignScreen() {
  const id = Number(route.useParams().campaign);
  const view = useRead("campaigns.get", { id });
  if (view.isError) return <ErrorView error={view.error} onRetry={() => void view.refetch()} />;
  if (!view.data) return <SkeletonLines />;
  const settingUp = view.data.state === "draft" || view.data.state === "recalled";
  return settingUp ? <Flow key={id} view={view.data} /> : <Live view={view.data} />;
}
