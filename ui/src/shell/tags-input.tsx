import { WordsInput } from "@/design";
import { tagSuggestions, useVocabulary } from "./vocabulary";

/** Tags as chips, with those in use at hand. */
export function TagsInput(props: {
  value: readonly string[];
  onChange: (tags: string[]) => void;
  label?: string;
  autoFocus?: boolean;
  onLeave?: () => void;
}) {
  return <WordsInput {...props} suggestions={tagSuggestions(useVocabulary())} />;
}
