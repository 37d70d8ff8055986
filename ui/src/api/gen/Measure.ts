export type Measure = { metric: string, window_days: number, };
