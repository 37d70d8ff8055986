import { useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { SkeletonLines } from "@/design";
import { JourneysList } from "./list/JourneysList";

// The canvas and its libraries are only fetched with the first journey.
const Designer = lazy(() => import("./designer/Designer").then(({ Designer: component }) => ({ default: component })));

export function JourneysScreen() {
  return <JourneysList />;
}

export function JourneyScreen() {
  const { journey } = useParams({ from: "/journeys/$journey" });
  const id = Number(journey);
  return (
    <Suspense fallback={<SkeletonLines />}>
      <Designer key={id} id={id} />
    </Suspense>
  );
}
