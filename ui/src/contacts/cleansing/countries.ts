// What countries are called in the language of the screens.
import { formatLocale } from "@/i18n";

const names = new Intl.DisplayNames(formatLocale, { type: "region", fallback: "code" });

/** The name of a country by its code of two letters. */
export const countryName = (code: string) => names.of(code) ?? code;
