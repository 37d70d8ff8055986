import { useParams } from "@tanstack/react-router";
import { Designer } from "./designer/Designer";
import { JourneysList } from "./list/JourneysList";

export function JourneysScreen() {
  return <JourneysList />;
}

export function JourneyScreen() {
  const { journey } = useParams({ from: "/journeys/$journey" });
  const id = Number(journey);
  return <Designer key={id} id={id} />;
}
