import type { LiftRange } from "./LiftRange";
import type { LiftSide } from "./LiftSide";
export type LiftView = { metric: string, until: string, over: boolean, treated: LiftSide, held_out: LiftSide, difference: LiftRange | null, extra: LiftRange | null, };
