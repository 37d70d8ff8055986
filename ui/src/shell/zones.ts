const names: string[] = Intl.supportedValuesOf("timeZone");

/** Every zone the system knows, as options. */
export const ZONES = [...new Set(["UTC", ...names])].map((value) => ({ value, label: value.replaceAll("_", " ") }));

/** The machine's own zone. */
export function ownZone(): string {
  return new Intl.DateTimeFormat("en-US").resolvedOptions().timeZone ?? "UTC";
}
