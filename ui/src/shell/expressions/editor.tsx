import { useMemo } from "react";
import { useRead } from "@/api/client";
import type { CodeProps } from "@/design/code";
import type { CodeProposal } from "@/design/proposals";
import { formatLocale, t } from "@/i18n";
import { Code } from "../code";
import { eventSuggestions, tagSuggestions, useVocabulary } from "../vocabulary";
import { ZONES } from "../zones";
import { complete, type Entry, type Named, type Words } from "./complete";

type Props = Pick<CodeProps, "value" | "onChange" | "label" | "problems" | "maxLength" | "className"> & {
  /** The event whose properties are tested, instead of contacts. */
  where?: string;
  /** The segment that is written: it cannot be a part of itself. */
  self?: string | null;
  /** It may ask who is in the top or the bottom of all, which is measured for segments. */
  ranks?: boolean;
};

/** An expression as text, with what can stand at the cursor. */
export function ExpressionEditor({ where, self = null, ranks = false, ...rest }: Props) {
  const words = useWords(self, ranks);
  const entry: Entry = where === undefined ? null : { where };
  return <Code {...rest} language="segment" propose={(text, at) => proposal(text, at, words, entry)} />;
}

function proposal(text: string, at: number, words: Words, entry: Entry): CodeProposal | null {
  const found = complete(text, at, words, entry);
  if (found === null) return null;
  const offers = found.offers.map((offer) => ({
    ...offer,
    kind: t(`segments.complete.kinds.${offer.kind}`),
    // Behind `and` and its like people may want a new line.
    opens: offer.more && offer.kind !== "link",
  }));
  return { ...found, offers };
}

/** The words in use; they follow the workspace. */
function useWords(self: string | null, ranks: boolean): Words {
  const vocabulary = useVocabulary();
  const { data: fields } = useRead("fields.list", {});
  const { data: segments } = useRead("segments.list", {});
  const { data: templates } = useRead("templates.list", {});
  const { data: journeys } = useRead("journeys.list", {});
  return useMemo(() => {
    const named = ({ value, about }: { value: string; about?: string }): Named => ({ name: value, about: about ?? "" });
    const props = new Map(vocabulary?.events.map((event) => [event.name, event.props]));
    return {
      fields: fields ?? [],
      events: eventSuggestions(vocabulary).map((event) => ({ ...named(event), props: props.get(event.value) ?? [] })),
      tags: tagSuggestions(vocabulary).map(named),
      segments: (segments ?? []).filter(({ name }) => name !== self).map(({ name, text }) => ({ name, about: text })),
      templates: (templates ?? []).map(({ name, subject }) => ({ name, about: subject })),
      journeys: (journeys ?? []).map(({ name }) => ({ name, about: "" })),
      steps: vocabulary?.steps ?? [],
      zones: ZONES.map(({ value }) => value),
      currencies: currencies(),
      today: new Date().toISOString().slice(0, 10),
      ranks,
    };
  }, [vocabulary, fields, segments, templates, journeys, self, ranks]);
}

/** Every currency this machine knows, with its name. */
function currencies(): Named[] {
  const names = new Intl.DisplayNames(formatLocale, { type: "currency" });
  return Intl.supportedValuesOf("currency").map((name) => ({ name, about: names.of(name) ?? name }));
}
