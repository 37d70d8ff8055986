// temporary
export type Fate = "waits" | "left_alone" | "send" | "next_morning" | "skip";
