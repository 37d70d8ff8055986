export type LiftSide = { of: number, did: number, };
