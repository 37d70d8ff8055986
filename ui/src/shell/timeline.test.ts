import { expect, test } from "vitest";
import { eventAbout } from "./timeline";

test("what Carillon hears of is told as a person would tell it, without the plumbing of the journey", () => {
  const of = { step: "s2", passage: 4, journey_id: 1, visit: 1, message: 9, journey: "Welcome", template: "Hello" };
  expect(eventAbout("email_clicked", { ...of, link: "https://shop.example/" })).toBe(
    "https://shop.example/ · Hello · Welcome",
  );
  expect(eventAbout("email_bounced", { ...of, class: "hard" })).toBe("The address does not work · Hello · Welcome");
  expect(eventAbout("email_auto_replied", { kind: "out_of_office", returns_on: "2026-12-14" })).toBe(
    "Out of office. · returns on 2026-12-14",
  );
});

test("an event of a shop is told with the names of its properties", () => {
  expect(eventAbout("order", { total: { minor: 3450, currency: "EUR" }, message: "thanks", link: "x" })).toMatch(
    /^total .*34.50.* · message thanks · link x$/,
  );
});
