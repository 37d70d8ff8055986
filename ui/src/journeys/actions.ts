import { mutate } from "@/api/client";
import type { JourneyId } from "@/api/gen/JourneyId";
import { host } from "@/api/host";
import { say, sayError } from "@/design";
import { t } from "@/i18n";
import { blankJourney } from "./drawing";

/** What can be done with journeys as wholes. Each says how it went and answers null where it did not. */
export function useJourneyActions() {
  return {
    async create(): Promise<JourneyId | null> {
      return attempt(async () => {
        const saved = await mutate("journeys.save", {
          id: null,
          document: blankJourney(t("journeys.untitled")),
          revision: null,
        });
        return saved.id;
      });
    },
    async duplicate(id: JourneyId): Promise<JourneyId | null> {
      return attempt(async () => (await mutate("journeys.duplicate", { id })).id);
    },
    async exportFile(id: JourneyId, name: string): Promise<void> {
      await attempt(async () => {
        const file = `${fileName(name)}.json`;
        const to = await host().chooseSave("journey", file);
        if (to === null) return null;
        host().deliver(await mutate("journeys.export_file", { id, to }), file);
        say(t("journeys.exported", { name }));
        return null;
      });
    },
    async importFile(): Promise<JourneyId | null> {
      return attempt(async () => {
        const chosen = await host().chooseFile("journey");
        if (chosen === null) return null;
        const made = await mutate("journeys.import_file", { file: chosen.file });
        const count = made.problems.length;
        say(count > 0 ? t("journeys.imported_problems", { count }) : t("journeys.imported", { name: made.name }));
        return made.id;
      });
    },
    async remove(id: JourneyId, name: string): Promise<void> {
      await attempt(async () => {
        await mutate("journeys.delete", { id });
        say(t("journeys.deleted", { name }));
        return null;
      });
    },
  };
}

async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (thrown) {
    sayError(thrown);
    return null;
  }
}

/** A name that every file system takes. */
export function fileName(name: string): string {
  const plain = name
    .normalize("NFC")
    .replace(/[\p{Cc}\\/:*?"<>|]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 80);
  return plain === "" || /^\.+$/.test(plain) ? "journey" : plain;
}
