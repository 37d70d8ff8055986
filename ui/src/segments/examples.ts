/** Texts that show what can be said; each is read by the engine as it stands. */
export const EXAMPLES = [
  'country is "DE" and consent email marketing',
  "did order at least 2 times in the last 90 days",
  "did order ever and did not order in the last 60 days",
  '(did order where total >= 50 EUR) and not tag "vip"',
  "sum of total of order >= 500 EUR in the last 90 days",
  "did cart_abandoned without order within 1 day",
  "birthday anniversary within 7 days",
  'at least 2 of (tag "newsletter", did order ever, city is "Bonn")',
] as const;
