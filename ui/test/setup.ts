import { afterEach } from "vitest";

// Only where there is a page to clean.
if (typeof document !== "undefined") {
  const { cleanup, configure } = await import("@testing-library/react");
  // What is waited for comes by an event; how long that takes on a busy machine decides nothing.
  configure({ asyncUtilTimeout: 60_000 });
  afterEach(() => cleanup());
}
