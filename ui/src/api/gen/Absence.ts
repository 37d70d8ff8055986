// temporary
import type { AbsentJourney } from "./AbsentJourney";
export type Absence = { from: string, to: string, journeys: Array<AbsentJourney>, waiting: number, };
