// temporary
import type { Fate } from "./Fate";
export type AnswerAbsence = { journey: number | null, fate: Fate, };
