import type { ConsentText } from "@/api/gen/ConsentText";
import type { FieldKind } from "@/api/gen/FieldKind";
import type { FieldType } from "@/api/gen/FieldType";
import type { FormDefinition } from "@/api/gen/FormDefinition";
import type { FormField } from "@/api/gen/FormField";

/** A form of the relay as it is edited here. The e-mail address is asked for by every form, and is not among `fields`. */
export interface FormEdit {
  key: string;
  title: string;
  intro: string;
  button: string;
  thanks: string;
  fields: FieldEdit[];
  /** Words of the consent to marketing mail; empty: it is not asked for. */
  marketing: string;
  tracking: string;
  /** What is agreed to counts only once the link of a mail was pressed. */
  doubleOptIn: boolean;
}

/** A field beside the e-mail address. */
export interface FieldEdit {
  key: string;
  label: string;
  required: boolean;
  kind: FieldKind;
  /** Of a choice, one a line. */
  options: string;
  /** Of a hidden field. */
  value: string;
}

/** How a field of a contact can be asked for; what the form has of its own, in every way. The first is the usual one. */
export function kindsOf(type: FieldType | undefined): readonly FieldKind[] {
  switch (type) {
    case "number":
      return ["number", "hidden"];
    case "yes_no":
      return ["checkbox"];
    case "date":
      return ["date"];
    case "choice":
      return ["select", "radio", "hidden"];
    case "text":
      return ["text", "long_text", "tel", "url", "select", "radio", "hidden"];
    case undefined:
      return ["text", "long_text", "tel", "url", "number", "date", "select", "radio", "checkbox", "hidden"];
    default:
      return [];
  }
}

/** Whether a field of this kind offers a list. */
export const isChoice = (kind: FieldKind): boolean => kind === "select" || kind === "radio";

/** Words a new form begins with. */
export interface Beginning {
  button: string;
  thanks: string;
}

const EMAIL = "email";
/** Faster than this many seconds is a machine. */
const MIN_SECS = 3;
/** Leading zero bits of the proof of work: a tenth of a second on a phone. */
const WORK_BITS = 16;

export const isKey = (text: string): boolean => /^[a-z0-9_-]{1,64}$/.test(text);

/** A key for a title: `Coffee & news` is `coffee-news`. */
export const keyFor = (title: string): string =>
  title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);

const wordsOf = (form: FormDefinition, key: string) => form.consents.find((each) => each.key === key)?.text ?? "";

/** The form as the editor opens with it. */
export function editOf(form: FormDefinition | null, { button, thanks }: Beginning): FormEdit {
  if (form === null) {
    return {
      key: "",
      title: "",
      intro: "",
      button,
      thanks,
      fields: [],
      marketing: "",
      tracking: "",
      doubleOptIn: true,
    };
  }
  return {
    key: form.key,
    title: form.title,
    intro: form.intro,
    button: form.button,
    thanks: form.thanks,
    fields: form.fields
      .filter(({ key }) => key !== EMAIL)
      .map(({ key, label, required, kind, options, value }) => ({
        key,
        label,
        required,
        kind,
        options: options.join("\n"),
        value,
      })),
    marketing: wordsOf(form, "marketing"),
    tracking: wordsOf(form, "tracking"),
    doubleOptIn: form.double_opt_in,
  };
}

function fieldOf({ key, label, required, kind, options, value }: FieldEdit): FormField {
  return {
    key,
    label: label.trim(),
    kind,
    required: required && kind !== "hidden",
    options: isChoice(kind) ? linesOf(options) : [],
    value: kind === "hidden" ? value.trim() : "",
  };
}

function consentOf(key: string, text: string, before: FormDefinition | null): ConsentText[] {
  const words = text.trim();
  if (words === "") return [];
  const known = before?.consents.find((each) => each.key === key);
  if (known?.text === words) return [known];
  // The program works the hash out from the words.
  return [
    { key, version: (known?.version ?? 0) + 1, text: words, wording_hash: "", required: known?.required ?? false },
  ];
}

/** The form as the relay is told it. What the editor does not show stays as it was; the version tells two texts apart. */
export function definitionOf(edit: FormEdit, before: FormDefinition | null, emailLabel: string): FormDefinition {
  const email: FormField = before?.fields.find(({ key }) => key === EMAIL) ?? {
    key: EMAIL,
    label: emailLabel,
    kind: "email",
    required: true,
    options: [],
    value: "",
  };
  return {
    redirect: null,
    min_secs: MIN_SECS,
    work_bits: WORK_BITS,
    without_script: true,
    language: null,
    ...before,
    key: edit.key,
    version: (before?.version ?? 0) + 1,
    title: edit.title.trim(),
    intro: edit.intro.trim(),
    button: edit.button.trim(),
    thanks: edit.thanks.trim(),
    double_opt_in: edit.doubleOptIn,
    fields: [email, ...edit.fields.map(fieldOf)],
    consents: [
      ...(before?.consents ?? []).filter(({ key }) => key !== "marketing" && key !== "tracking"),
      ...consentOf("marketing", edit.marketing, before),
      ...consentOf("tracking", edit.tracking, before),
    ],
  };
}

/** Whether permissions of this form wait for the link of a mail. */
export const waitsForLink = (form: FormDefinition): boolean => form.double_opt_in && form.consents.length > 0;

/** Whether the form asks for a permission at all. */
export const asksConsent = (edit: FormEdit): boolean => edit.marketing.trim() !== "" || edit.tracking.trim() !== "";

/** What has to be mended before a form can be saved. */
export type FormFault = "title" | "key" | "key_taken" | "button" | "thanks" | "label" | "options";

export function faultsOf(edit: FormEdit, others: readonly string[]): FormFault[] {
  const faults: FormFault[] = [];
  if (edit.title.trim() === "") faults.push("title");
  if (!isKey(edit.key)) faults.push("key");
  else if (others.includes(edit.key)) faults.push("key_taken");
  if (edit.button.trim() === "") faults.push("button");
  if (edit.thanks.trim() === "") faults.push("thanks");
  if (edit.fields.some(({ label }) => label.trim() === "")) faults.push("label");
  if (edit.fields.some(({ kind, options }) => isChoice(kind) && linesOf(options).length === 0)) faults.push("options");
  return faults;
}

/** The first line that is no address of a site, as the relay wants it: scheme and host, nothing behind. */
export function wrongSite(lines: readonly string[]): string | undefined {
  return lines.find((line) => {
    try {
      return !/^https?:/.test(line) || new URL(line).origin !== line;
    } catch {
      return true;
    }
  });
}

/** The lines of a text that say something. */
export const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
