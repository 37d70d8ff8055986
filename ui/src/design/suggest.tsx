import { Autocomplete } from "@base-ui/react/autocomplete";
import { Combobox } from "@base-ui/react/combobox";
import { X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { t } from "@/i18n";
import { control, floating, option, sized } from "./control";
import { cx, portalRoot } from "./cx";

/** A word that was used before. */
export interface Suggestion {
  value: string;
  /** A second, quieter line. */
  about?: string;
}

/** The list both inputs open; nothing is shown where nothing fits, because any word may be typed. */
function Row({ suggestion }: { suggestion: Suggestion }) {
  return (
    <span className="min-w-0 flex-1 truncate">
      {suggestion.value}
      {suggestion.about !== undefined && (
        <span className="block truncate text-ink-3 text-table">{suggestion.about}</span>
      )}
    </span>
  );
}

/** One word, typed freely or taken from those used before. */
export function SuggestInput({
  value,
  onChange,
  suggestions,
  label,
  placeholder,
  maxLength,
  className,
}: {
  value: string;
  onChange: (value: string) => void;
  suggestions: readonly Suggestion[];
  /** Needed where no `Field` names it. */
  label?: string;
  placeholder?: string;
  maxLength?: number;
  className?: string;
}) {
  return (
    <Autocomplete.Root<Suggestion>
      items={suggestions}
      value={value}
      onValueChange={(next) => onChange(next)}
      itemToStringValue={(each) => each.value}
      openOnInputClick
    >
      <Autocomplete.Input
        aria-label={label}
        placeholder={placeholder}
        maxLength={maxLength}
        spellCheck={false}
        className={sized(className, "text-form")}
      />
      <Autocomplete.Portal container={portalRoot()}>
        <Autocomplete.Positioner sideOffset={4} className="z-50 outline-none">
          <Autocomplete.Popup className={cx(floating, "data-empty:hidden")}>
            <Autocomplete.List>
              {(each: Suggestion) => (
                <Autocomplete.Item key={each.value} value={each} className={option}>
                  <Row suggestion={each} />
                </Autocomplete.Item>
              )}
            </Autocomplete.List>
          </Autocomplete.Popup>
        </Autocomplete.Positioner>
      </Autocomplete.Portal>
    </Autocomplete.Root>
  );
}

/** The words with one more, trimmed and once; empty words are none. */
export function withWord(words: readonly string[], typed: string): string[] {
  return [...new Set([...words, ...typed.split(",").map((word) => word.trim())])].filter((word) => word !== "");
}

/** Several words as chips. Enter, a comma and leaving the field take what is typed; the list holds those used before. */
export function WordsInput({
  value,
  onChange,
  suggestions,
  label,
  autoFocus = false,
  onLeave,
}: {
  value: readonly string[];
  onChange: (value: string[]) => void;
  suggestions: readonly Suggestion[];
  /** Needed where no `Field` names it. */
  label?: string;
  autoFocus?: boolean;
  /** The field was left, and what was typed is taken. */
  onLeave?: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [highlighted, setHighlighted] = useState(false);
  const take = () => {
    if (typed.trim() !== "") onChange(withWord(value, typed));
    setTyped("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const takes = event.key === "," || (event.key === "Enter" && !highlighted && typed.trim() !== "");
    if (!takes) return;
    event.preventDefault();
    take();
  };
  const about = new Map(suggestions.map((each) => [each.value, each]));
  return (
    <Combobox.Root<string, true>
      multiple
      items={suggestions.map((each) => each.value)}
      value={[...value]}
      onValueChange={(next, details) => {
        // Escape is for what is around the field; it must not throw all words away.
        if (details.reason === "escape-key") return details.allowPropagation();
        onChange(next);
        setTyped("");
      }}
      inputValue={typed}
      onInputValueChange={(next, { reason }) => {
        // Closing the list empties the field; what was typed is taken when it is left.
        if (reason === "input-change" || reason === "item-press") setTyped(next);
      }}
      onItemHighlighted={(item) => setHighlighted(item !== undefined)}
    >
      <Combobox.Chips className={cx(control, "flex h-auto min-h-8 w-full flex-wrap items-center gap-1 py-[3px]")}>
        {value.map((word) => (
          <Combobox.Chip
            key={word}
            aria-label={word}
            className="flex h-6 max-w-full items-center gap-1 rounded-[3px] bg-sunken pl-2 text-body outline-none focus-within:bg-selected"
          >
            <span className="truncate">{word}</span>
            <Combobox.ChipRemove
              aria-label={t("common.remove_of", { name: word })}
              className="flex size-6 items-center justify-center rounded-[3px] text-ink-3 hover:text-ink-1"
            >
              <X size={12} aria-hidden />
            </Combobox.ChipRemove>
          </Combobox.Chip>
        ))}
        <Combobox.Input
          aria-label={label}
          spellCheck={false}
          onKeyDown={onKeyDown}
          autoFocus={autoFocus}
          onBlur={() => {
            take();
            onLeave?.();
          }}
          className="h-6 min-w-24 flex-1 bg-transparent text-form outline-none"
        />
      </Combobox.Chips>
      <Combobox.Portal container={portalRoot()}>
        <Combobox.Positioner sideOffset={4} className="z-50 outline-none">
          <Combobox.Popup className={cx(floating, "data-empty:hidden")}>
            <Combobox.List>
              {(word: string) => (
                <Combobox.Item key={word} value={word} className={option}>
                  <Row suggestion={about.get(word) ?? { value: word }} />
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}
