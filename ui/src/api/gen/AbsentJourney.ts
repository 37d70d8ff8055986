// temporary
import type { Fate } from "./Fate";
export type AbsentJourney = { journey: number, name: string, campaign: boolean, messages: number, fate: Fate, };
