import { useState } from "react";

/** What is asked of a row of a list. */
export type What = "edit" | "secret" | "test" | "delete";
export type Asking = { what: What; id: number } | { what: "add" } | null;

/** What a list of places asks at the moment. A new one is led on: from its form to its secret, and from there to its test. */
export function useLed() {
  const [asking, setAsking] = useState<Asking>(null);
  const [leading, setLeading] = useState(false);
  const close = () => {
    setAsking(null);
    setLeading(false);
  };
  return {
    asking,
    ask: (what: What, id: number) => setAsking({ what, id }),
    add: () => {
      setLeading(true);
      setAsking({ what: "add" });
    },
    saved: (id: number) => (leading ? setAsking({ what: "secret", id }) : close()),
    kept: (id: number) => (leading ? setAsking({ what: "test", id }) : close()),
    close,
  };
}
