import { describe, expect, it } from "vitest";
import { readLocale } from "../../vite/locales";
import { catalogueOf, freePort, portsOf, seedSettings } from "./catalogue";
import { WELCOME } from "./fixture";
import { FACES } from "./fixture.catalogue";
import { evenly } from "./inspector/BranchesForm";
import { days, duration, portName, summaryOf } from "./summary";

const catalogue = catalogueOf(FACES);

describe("a card's one line", () => {
  it("says what the step does, or what is missing", () => {
    const line = (kind: string, settings?: Record<string, unknown>) =>
      summaryOf({ id: "s1", kind, ...(settings ? { settings } : {}) }, catalogue);
    expect(line("wait", { for: { amount: 3, unit: "days" } })).toBe("Wait 3 days");
    expect(line("if_else", { when: 'country is "DE"' })).toBe("If country is “DE”");
    expect(line("entry_date", { field: "birthday", offset_days: -7, yearly: true })).toBe(
      "7 days before birthday, every year",
    );
    expect(line("send_email")).toBe("Choose a template");
    expect(line("set_field", { field: "spent", value: { minor: 1250, currency: "JPY" } })).toContain("¥1,250");
    expect(line("set_field", { field: "vip", value: true })).toMatch(/Yes/);
    expect(line("entry_schedule", { rule: { every: "week", days: ["mon", "thu"] }, who: "everyone" })).toBe(
      "Mon, Thu at 09:00",
    );
  });

  it("has a line for every kind there is, also with the settings a new step starts from", () => {
    for (const face of FACES) {
      const step = { id: "s1", kind: face.kind, settings: seedSettings(face) };
      expect(summaryOf(step, catalogue), face.kind).not.toBe("");
    }
  });

  it("joins days that follow one another", () => {
    expect(days(["mon", "tue", "wed"])).toBe("Mon–Wed");
    expect(days(["fri", "mon"])).toBe("Mon, Fri");
    expect(duration({ amount: 1, unit: "weeks" })).toBe("1 week");
  });
});

describe("ports", () => {
  it("are the branches, then those of the kind", () => {
    const step = { id: "s1", kind: "split", settings: { branches: [{ port: "a", name: "VIP" }, { port: "a" }, 7] } };
    expect(portsOf(step, catalogue.of("split"))).toEqual(["a", "else"]);
    expect(portName(step, "a")).toBe("VIP");
  });

  it("get letters that are free, and shares that are 100 together", () => {
    expect(freePort([{ port: "a" }, { port: "c" }])).toBe("b");
    expect(evenly([{ port: "a" }, { port: "b" }, { port: "c" }]).map((branch) => branch.percent)).toEqual([34, 33, 33]);
  });
});

describe("the words", () => {
  it("exist for every kind, setting and option of the catalogue", () => {
    const messages = readLocale("../assets/locales/en");
    const missing: string[] = [];
    for (const face of FACES) {
      for (const key of [`steps.${face.kind}.title`, `steps.${face.kind}.about`])
        if (!messages.has(key)) missing.push(key);
      for (const setting of face.settings) {
        const key = `steps.${face.kind}.settings.${setting.name}`;
        if (!messages.has(key)) missing.push(key);
        if (setting.form !== "choice") continue;
        for (const option of setting.options ?? []) {
          if (!messages.has(`journeys.option.${option}`)) missing.push(`journeys.option.${option}`);
        }
      }
    }
    expect(missing).toEqual([]);
    expect(WELCOME.steps.every((step) => catalogue.of(step.kind))).toBe(true);
  });
});
