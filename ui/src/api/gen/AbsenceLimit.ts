// temporary
export type AbsenceLimit = { messages: number | null, };
