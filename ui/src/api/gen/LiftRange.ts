export type LiftRange = { at: number, low: number, high: number, };
