// All words of the screen come from assets/locales; this file turns a key and its values into a sentence.

import messages from "virtual:messages/en";
import { setupI18n } from "@lingui/core";
import type analytics from "@locales/en/analytics.json";
import type campaigns from "@locales/en/campaigns.json";
import type common from "@locales/en/common.json";
import type companies from "@locales/en/companies.json";
import type contacts from "@locales/en/contacts.json";
import type home from "@locales/en/home.json";
import type journeys from "@locales/en/journeys.json";
import type outbox from "@locales/en/outbox.json";
import type replies from "@locales/en/replies.json";
import type scores from "@locales/en/scores.json";
import type segments from "@locales/en/segments.json";
import type settings from "@locales/en/settings.json";
import type shell from "@locales/en/shell.json";
import type templates from "@locales/en/templates.json";
import type workspaces from "@locales/en/workspaces.json";
import type world from "@locales/en/world.json";

interface Tree {
  analytics: typeof analytics;
  campaigns: typeof campaigns;
  common: typeof common;
  companies: typeof companies;
  contacts: typeof contacts;
  home: typeof home;
  journeys: typeof journeys;
  outbox: typeof outbox;
  replies: typeof replies;
  scores: typeof scores;
  segments: typeof segments;
  settings: typeof settings;
  shell: typeof shell;
  templates: typeof templates;
  workspaces: typeof workspaces;
  world: typeof world;
}

type Leaves<T, P extends string = ""> = {
  [K in keyof T & string]: T[K] extends string ? `${P}${K}` : Leaves<T[K], `${P}${K}.`>;
}[keyof T & string];

/** A dotted key of a message: the stem of its file, then the words down to it. */
export type MessageKey = Leaves<Tree>;
export type Params = Record<string, string | number | Date | null | undefined>;

/**
 * The language asked for, or English where the system gives none that Intl accepts: with `LANG=C` a webview
 * answers "C", and `new Intl.NumberFormat("C")` throws.
 */
export function safeLocale(asked: string | undefined): string {
  try {
    return Intl.getCanonicalLocales((asked ?? "").replace("_", "-").replace(/\..*$/, ""))[0] ?? "en-US";
  } catch {
    return "en-US";
  }
}

/** Locale of numbers and dates; the language of the words is English until a second folder exists. */
export const formatLocale = safeLocale(globalThis.navigator?.language);

const i18n = setupI18n({ locale: "en", messages: { en: messages }, locales: [formatLocale, "en-US"] });

/** The message of a key with its values filled in. */
export function t(key: MessageKey, params?: Params): string {
  return i18n._(key, params);
}

/** Whether there are words for a key that is only known at run time (`steps.wait.title`, `problems.dangling`). */
export function hasWords(key: string): boolean {
  return key in messages;
}

/** The words of a key that is only known at run time; `otherwise` where the locale files have none. */
export function tx(key: string, otherwise: string, params?: Params): string {
  return hasWords(key) ? i18n._(key, params) : otherwise;
}
