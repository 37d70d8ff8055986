// The words the workspace has used, for whoever is about to type one.
import { useRead } from "@/api/client";
import type { Vocabulary } from "@/api/gen/Vocabulary";
import type { Suggestion } from "@/design";
import { hasWords, t, tx } from "@/i18n";

/** What an event is called: Carillon's own have words, others are called as whoever told of them does. */
export const eventTitle = (name: string): string => tx(`contacts.timeline.events.${name}`, name.replaceAll("_", " "));

/** Words for an event beside its name, where it has any that are more than the name. */
const called = (name: string): string[] => (hasWords(`contacts.timeline.events.${name}`) ? [eventTitle(name)] : []);

/** Events that happened, the most frequent first, each with the properties it came with. */
export function eventSuggestions(words: Vocabulary | undefined): Suggestion[] {
  const events = [...(words?.events ?? [])].sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
  return events.map(({ name, count: n, props }) => ({
    value: name,
    about: [...called(name), t("common.words.happened", { n }), ...(props.length > 0 ? [props.join(", ")] : [])].join(
      " · ",
    ),
  }));
}

/** Properties seen of one event; of any event while none is named that ever happened. */
export function propSuggestions(words: Vocabulary | undefined, event: string): Suggestion[] {
  const all = words?.events ?? [];
  const meant = all.filter(({ name }) => name === event);
  const props = new Set((meant.length > 0 ? meant : all).flatMap((each) => each.props));
  return [...props].sort().map((value) => ({ value }));
}

/** Tags somebody has, the most frequent first. */
export function tagSuggestions(words: Vocabulary | undefined): Suggestion[] {
  const tags = [...(words?.tags ?? [])].sort((a, b) => b.count - a.count || a.tag.localeCompare(b.tag));
  return tags.map(({ tag, count: n }) => ({ value: tag, about: t("common.words.contacts", { n }) }));
}

/** The words in use; they follow the workspace. */
export function useVocabulary(): Vocabulary | undefined {
  return useRead("vocabulary.list", {}).data;
}
