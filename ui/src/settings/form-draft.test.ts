import { expect, test } from "vitest";
import type { FormDefinition } from "@/api/gen/FormDefinition";
import { definitionOf, editOf, faultsOf, keyFor, kindsOf, linesOf, waitsForLink, wrongSite } from "./form-draft";

const BEGIN = { button: "Sign up", thanks: "Thank you." };
const line = { kind: "text", options: "", value: "" } as const;
const fresh = { ...editOf(null, BEGIN), title: "Coffee news", key: "coffee-news" };
const made: FormDefinition = definitionOf(
  { ...fresh, fields: [{ key: "city", label: "City", required: false, ...line }], marketing: "Yes, send me news." },
  null,
  "E-mail",
);

test("a new form asks for the e-mail address first, and is its first version", () => {
  expect(made.fields.map(({ key, kind, required }) => [key, kind, required])).toEqual([
    ["email", "email", true],
    ["city", "text", false],
  ]);
  expect(made.version).toBe(1);
  expect(made.consents).toEqual([
    { key: "marketing", version: 1, text: "Yes, send me news.", wording_hash: "", required: false },
  ]);
});

test("what a new form asks consent for waits for the link of a mail, and a form that grants at once goes on so", () => {
  expect(made.double_opt_in).toBe(true);
  expect(waitsForLink(made)).toBe(true);
  expect(waitsForLink({ ...made, consents: [] })).toBe(false);
  const old = { ...made, double_opt_in: false };
  expect(definitionOf({ ...editOf(old, BEGIN), title: "News" }, old, "E-mail").double_opt_in).toBe(false);
  expect(definitionOf({ ...editOf(old, BEGIN), doubleOptIn: true }, old, "E-mail").double_opt_in).toBe(true);
});

test("each saving is a new version, and a consent is one only when its words changed", () => {
  const kept = definitionOf({ ...editOf(made, BEGIN), title: "News" }, made, "E-mail");
  expect([kept.version, kept.consents[0]?.version]).toEqual([2, 1]);
  const changed = definitionOf({ ...editOf(kept, BEGIN), marketing: "Yes, weekly." }, kept, "E-mail");
  expect([changed.version, changed.consents[0]?.version]).toEqual([3, 2]);
  expect(definitionOf({ ...editOf(kept, BEGIN), marketing: " " }, kept, "E-mail").consents).toEqual([]);
});

test("what the editor does not show stays as it was", () => {
  const whole: FormDefinition = {
    ...made,
    redirect: "https://shop.example/thanks",
    work_bits: 20,
    fields: [...made.fields, { key: "size", label: "Size", kind: "select", required: true, options: ["S"], value: "" }],
    consents: [...made.consents, { key: "post", version: 4, text: "By post.", wording_hash: "ab", required: true }],
  };
  const saved = definitionOf({ ...editOf(whole, BEGIN), title: "News" }, whole, "E-mail");
  expect(saved).toMatchObject({ redirect: "https://shop.example/thanks", work_bits: 20, title: "News" });
  expect(saved.fields.find(({ key }) => key === "size")).toEqual(whole.fields[2]);
  expect(saved.consents.find(({ key }) => key === "post")).toEqual(whole.consents[1]);
});

test("a form that cannot be shown is not saved, and says why", () => {
  expect(faultsOf(fresh, [])).toEqual([]);
  expect(faultsOf(fresh, ["coffee-news"])).toEqual(["key_taken"]);
  expect(
    faultsOf(
      { ...fresh, title: " ", key: "Ä b", button: "", fields: [{ key: "city", label: "", required: true, ...line }] },
      [],
    ),
  ).toEqual(["title", "key", "button", "label"]);
});

test("a list has something to choose from, a hidden field its value, and neither keeps what it does not use", () => {
  const list = { key: "size", label: "Size", required: true, kind: "select", options: "S\n\n M ", value: "x" } as const;
  const hidden = { ...list, key: "place", kind: "hidden", value: " fair " } as const;
  expect(definitionOf({ ...fresh, fields: [list, hidden] }, null, "E-mail").fields.slice(1)).toEqual([
    { key: "size", label: "Size", kind: "select", required: true, options: ["S", "M"], value: "" },
    { key: "place", label: "Size", kind: "hidden", required: false, options: [], value: "fair" },
  ]);
  expect(faultsOf({ ...fresh, fields: [{ ...list, options: " \n" }] }, [])).toEqual(["options"]);
});

test("a field of a contact is asked for as it can be kept", () => {
  expect(kindsOf("yes_no")).toEqual(["checkbox"]);
  expect(kindsOf("number")).not.toContain("text");
  expect(kindsOf("money")).toEqual([]);
  expect(kindsOf(undefined)).toContain("date");
});

test("a title becomes a key of letters, digits and lines", () => {
  expect(keyFor("Café & Kuchen – Frühling 2027!")).toBe("cafe-kuchen-fruhling-2027");
  expect(keyFor("你好")).toBe("");
  expect(keyFor("x".repeat(200))).toHaveLength(64);
});

test("an address of a site ends with its host", () => {
  expect(wrongSite(linesOf("https://shop.example\n\n http://localhost:8080 "))).toBeUndefined();
  for (const wrong of ["https://shop.example/", "shop.example", "ftp://shop.example", "https://Shop.example"]) {
    expect(wrongSite(["https://shop.example", wrong])).toBe(wrong);
  }
});
