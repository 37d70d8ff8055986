import { say } from "@/design";
import { t } from "@/i18n";

/** Puts a text on the clipboard, where the window lets it, and says so. */
export async function copy(text: string, copied: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(copied);
  } catch {
    say(t("settings.not_copied"));
  }
}
