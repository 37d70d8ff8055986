import { Checkbox as BaseCheckbox } from "@base-ui/react/checkbox";
import { Combobox as BaseCombobox } from "@base-ui/react/combobox";
import { Field as BaseField } from "@base-ui/react/field";
import { Radio } from "@base-ui/react/radio";
import { RadioGroup } from "@base-ui/react/radio-group";
import { Select as BaseSelect } from "@base-ui/react/select";
import { Switch as BaseSwitch } from "@base-ui/react/switch";
import { Check, ChevronDown, ChevronsUpDown, Minus, Search, X } from "lucide-react";
import { type ComponentProps, type ReactNode, type Ref, useId, useMemo, useState } from "react";
import { t } from "@/i18n";
import { floating, option, sized } from "./control";
import { cx, portalRoot } from "./cx";

export interface FieldProps {
  label: string;
  help?: ReactNode;
  /** What is wrong with it, as a sentence. */
  error?: string | undefined;
  /** Not necessary, and said so. */
  optional?: boolean;
  children: ReactNode;
  className?: string;
}

/** A control with its name, its help and what is wrong with it. */
export function Field({ label, help, error, optional = false, children, className }: FieldProps) {
  return (
    <BaseField.Root invalid={error !== undefined && error !== ""} className={cx("min-w-0", className)}>
      <BaseField.Label className="mb-1 block font-medium text-body">
        {label}
        {optional && <span className="ml-1.5 font-normal text-ink-3">{t("common.optional")}</span>}
      </BaseField.Label>
      {children}
      {help !== undefined && (
        <BaseField.Description className="mt-1 text-ink-3 text-table">{help}</BaseField.Description>
      )}
      {error !== undefined && error !== "" && (
        <BaseField.Error match className="mt-1 text-bad text-table">
          {error}
        </BaseField.Error>
      )}
    </BaseField.Root>
  );
}

/** One line of text, inside a `Field` or with an `aria-label`. */
export function TextInput({ className, ref, ...rest }: ComponentProps<"input"> & { ref?: Ref<HTMLInputElement> }) {
  return (
    <BaseField.Control
      autoComplete="off"
      spellCheck={false}
      {...(rest as ComponentProps<typeof BaseField.Control>)}
      ref={ref as Ref<HTMLElement>}
      className={sized(className, "text-form")}
    />
  );
}

type NumberInputProps = Omit<ComponentProps<"input">, "value" | "onChange" | "type" | "min" | "max" | "step"> & {
  min?: number;
  max?: number;
  step?: number | "any";
} & (
    | { value: number; onChange: (value: number) => void; optional?: false }
    | { value: number | undefined; onChange: (value: number | undefined) => void; optional: true }
  );

/**
 * A number, whole unless `step` says otherwise. While it is typed it may be none, or out of bounds: whoever clears the
 * field to write another is not interrupted. On leaving, the field shows the number that holds.
 */
export function NumberInput({ value, onChange, min, max, step = 1, optional, onBlur, ...rest }: NumberInputProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const take = (text: string) => {
    setTyped(text);
    const read = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(read)) {
      const next = step === 1 ? Math.trunc(read) : read;
      if (next >= (min ?? Number.NEGATIVE_INFINITY)) onChange(Math.min(next, max ?? Number.POSITIVE_INFINITY));
    } else if (optional) onChange(undefined);
  };
  return (
    <TextInput
      {...rest}
      type="number"
      min={min}
      max={max}
      step={step}
      value={typed ?? (value === undefined ? "" : String(value))}
      onChange={(event) => take(event.currentTarget.value)}
      onBlur={(event) => {
        setTyped(null);
        onBlur?.(event);
      }}
    />
  );
}

/** Several lines of text. */
export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <BaseField.Control
      render={<textarea {...rest} />}
      className={sized(className, "text-form", "h-auto min-h-20 resize-y py-1.5 leading-5")}
    />
  );
}

/** Looks for something as one types. */
export function SearchInput({
  value,
  onChange,
  label,
  className,
  ref,
}: {
  value: string;
  onChange: (value: string) => void;
  label: string;
  className?: string;
  ref?: Ref<HTMLInputElement>;
}) {
  return (
    <div className={cx("relative", className)}>
      <Search
        size={16}
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 left-2 text-ink-3"
      />
      <input
        ref={ref}
        type="search"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-label={label}
        placeholder={label}
        spellCheck={false}
        autoComplete="off"
        className={sized("pr-8 pl-8 text-body [&::-webkit-search-cancel-button]:hidden")}
      />
      {value !== "" && (
        <button
          type="button"
          aria-label={t("common.clear")}
          onClick={() => onChange("")}
          className="absolute inset-y-0 right-0 flex w-8 items-center justify-center rounded-control text-ink-3 hover:text-ink-1"
        >
          <X size={14} aria-hidden />
        </button>
      )}
    </div>
  );
}

export interface Option<V extends string> {
  value: V;
  label: string;
  /** A second, quieter line. */
  about?: string;
  disabled?: boolean;
}

export interface SelectProps<V extends string> {
  value: V | null;
  onChange: (value: V) => void;
  options: readonly Option<V>[];
  /** Needed where no `Field` names it. */
  label?: string;
  placeholder?: string;
  disabled?: boolean;
  /** Without an edge, in bars. */
  quiet?: boolean;
  className?: string;
}

/** One of a few. */
export function Select<V extends string>({
  value,
  onChange,
  options,
  label,
  placeholder,
  disabled,
  quiet = false,
  className,
}: SelectProps<V>) {
  const items = options.map(({ value: key, label: text }) => ({ value: key as string, label: text }));
  return (
    <BaseSelect.Root
      items={items}
      value={value as string | null}
      onValueChange={(next) => next !== null && onChange(next as V)}
      disabled={disabled}
      modal={false}
    >
      <BaseSelect.Trigger
        aria-label={label}
        className={
          quiet
            ? cx(
                "flex h-8 min-w-0 items-center justify-between gap-1.5 rounded-control px-2 text-ink-2 hover:bg-hover hover:text-ink-1",
                className,
              )
            : sized(className, "flex items-center justify-between gap-2 text-left text-body hover:bg-hover")
        }
      >
        <span className="min-w-0 truncate">
          <BaseSelect.Value className="data-placeholder:text-ink-3" placeholder={placeholder ?? t("common.choose")} />
        </span>
        <BaseSelect.Icon>
          <ChevronsUpDown size={14} aria-hidden className="text-ink-3" />
        </BaseSelect.Icon>
      </BaseSelect.Trigger>
      <BaseSelect.Portal container={portalRoot()}>
        <BaseSelect.Positioner sideOffset={4} alignItemWithTrigger={false} className="z-50 outline-none">
          <BaseSelect.Popup className={floating}>
            <BaseSelect.List>
              {options.map((each) => (
                <BaseSelect.Item key={each.value} value={each.value} disabled={each.disabled} className={option}>
                  <span className="min-w-0 flex-1">
                    <BaseSelect.ItemText>{each.label}</BaseSelect.ItemText>
                    {each.about !== undefined && <span className="block text-ink-3 text-table">{each.about}</span>}
                  </span>
                  <BaseSelect.ItemIndicator>
                    <Check size={16} aria-hidden className="text-accent-text" />
                  </BaseSelect.ItemIndicator>
                </BaseSelect.Item>
              ))}
            </BaseSelect.List>
          </BaseSelect.Popup>
        </BaseSelect.Positioner>
      </BaseSelect.Portal>
    </BaseSelect.Root>
  );
}

export interface ComboboxProps<V extends string> {
  value: V | null;
  onChange: (value: V | null) => void;
  options: readonly Option<V>[];
  label?: string;
  placeholder?: string;
  /** Called with what is typed, where the options come from a search. */
  onSearch?: (words: string) => void;
  className?: string;
}

/** One of many, found by typing. */
export function Combobox<V extends string>({
  value,
  onChange,
  options,
  label,
  placeholder,
  onSearch,
  className,
}: ComboboxProps<V>) {
  const named = options.find((each) => each.value === value)?.label;
  // The same thing as long as it is the same choice: a new one would put its name back while somebody types.
  const chosen = useMemo(
    () => (value === null || named === undefined ? null : { value, label: named }),
    [value, named],
  );
  return (
    <BaseCombobox.Root<Option<V>>
      items={options}
      value={chosen}
      onValueChange={(next) => onChange((next as Option<V> | null)?.value ?? null)}
      onInputValueChange={(words) => onSearch?.(words)}
      {...(onSearch === undefined ? {} : { filter: null })}
      isItemEqualToValue={(one, other) => one.value === other.value}
    >
      <BaseCombobox.InputGroup className={cx("relative", className)}>
        <BaseCombobox.Input
          aria-label={label}
          placeholder={placeholder ?? t("common.choose")}
          spellCheck={false}
          className={sized("pr-8 text-body")}
        />
        <BaseCombobox.Trigger
          aria-label={t("common.open_list")}
          className="absolute inset-y-0 right-0 flex w-8 items-center justify-center rounded-control text-ink-3"
        >
          <ChevronDown size={14} aria-hidden />
        </BaseCombobox.Trigger>
      </BaseCombobox.InputGroup>
      <BaseCombobox.Portal container={portalRoot()}>
        <BaseCombobox.Positioner sideOffset={4} className="z-50 outline-none">
          <BaseCombobox.Popup className={floating}>
            <BaseCombobox.Empty>
              <div className="px-2 py-1.5 text-ink-3 empty:hidden">{t("common.nothing_found")}</div>
            </BaseCombobox.Empty>
            <BaseCombobox.List>
              {(each: Option<V>) => (
                <BaseCombobox.Item key={each.value} value={each} disabled={each.disabled} className={option}>
                  <span className="min-w-0 flex-1 truncate">
                    {each.label}
                    {each.about !== undefined && (
                      <span className="block truncate text-ink-3 text-table">{each.about}</span>
                    )}
                  </span>
                  <BaseCombobox.ItemIndicator>
                    <Check size={16} aria-hidden className="text-accent-text" />
                  </BaseCombobox.ItemIndicator>
                </BaseCombobox.Item>
              )}
            </BaseCombobox.List>
          </BaseCombobox.Popup>
        </BaseCombobox.Positioner>
      </BaseCombobox.Portal>
    </BaseCombobox.Root>
  );
}

/** The box alone, with a name of its own: in table rows. */
export function CheckBox({
  checked,
  onChange,
  label,
  some = false,
  disabled,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: string;
  /** Some, but not all, of what it stands for. */
  some?: boolean;
  disabled?: boolean;
}) {
  return (
    <BaseCheckbox.Root
      checked={checked}
      indeterminate={some}
      disabled={disabled}
      onCheckedChange={(next) => onChange(next)}
      aria-label={label}
      className="-m-2 flex size-8 shrink-0 items-center justify-center rounded-control"
    >
      <span
        className={cx(
          "flex size-4 items-center justify-center rounded-[3px] border",
          checked || some ? "border-accent-solid bg-accent-solid text-on-accent" : "border-line-control bg-surface",
        )}
      >
        <BaseCheckbox.Indicator>
          {some ? <Minus size={12} strokeWidth={3} aria-hidden /> : <Check size={12} strokeWidth={3} aria-hidden />}
        </BaseCheckbox.Indicator>
      </span>
    </BaseCheckbox.Root>
  );
}

/** Yes or no with its words beside it. */
export function CheckLine(props: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: string;
  about?: string;
  disabled?: boolean;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the box inside is the control.
    <label className="flex min-h-8 items-start gap-3 py-1.5">
      <span className="mt-0.5 ml-2 flex h-4 items-center">
        <CheckBox checked={props.checked} onChange={props.onChange} label={props.label} disabled={props.disabled} />
      </span>
      <span className="min-w-0">
        <span className="block">{props.label}</span>
        {props.about !== undefined && <span className="block text-ink-3 text-table">{props.about}</span>}
      </span>
    </label>
  );
}

/** A setting that takes effect at once. */
export function Switch({
  checked,
  onChange,
  label,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: string;
}) {
  return (
    <BaseSwitch.Root
      checked={checked}
      onCheckedChange={(next) => onChange(next)}
      aria-label={label}
      className="flex h-8 w-10 shrink-0 items-center rounded-control"
    >
      <span
        className={cx(
          "flex h-5 w-9 items-center rounded-full border p-0.5 transition-colors duration-[120ms]",
          checked ? "border-accent-solid bg-accent-solid" : "border-line-control bg-sunken",
        )}
      >
        <BaseSwitch.Thumb
          className={cx(
            "block size-3.5 rounded-full transition-transform duration-[120ms]",
            checked ? "translate-x-4 bg-on-accent" : "bg-ink-3",
          )}
        />
      </span>
    </BaseSwitch.Root>
  );
}

/** One of two to five, all to be seen. */
export function Segmented<V extends string>({
  value,
  onChange,
  options,
  label,
}: {
  value: V;
  onChange: (value: V) => void;
  options: readonly Option<V>[];
  label: string;
}) {
  return (
    <RadioGroup
      value={value}
      onValueChange={(next) => onChange(next as V)}
      aria-label={label}
      className="inline-flex rounded-control border border-line-default bg-sunken p-px"
    >
      {options.map((each) => (
        <Radio.Root
          key={each.value}
          value={each.value}
          aria-label={each.label}
          nativeButton
          render={<button type="button" />}
          className={cx(
            "ring-inside flex h-[30px] min-w-8 items-center rounded-[3px] px-2.5 font-medium text-body",
            each.value === value
              ? "bg-surface text-ink-1 shadow-[0_0_0_1px_var(--color-line-default)]"
              : "text-ink-2 hover:text-ink-1",
          )}
        >
          {each.label}
        </Radio.Root>
      ))}
    </RadioGroup>
  );
}

/** One of a few, each with a sentence. */
export function Choices<V extends string>({
  value,
  onChange,
  options,
  label,
  columns = 1,
}: {
  value: V | null;
  onChange: (value: V) => void;
  options: readonly Option<V>[];
  label: string;
  columns?: 1 | 2 | 3;
}) {
  const name = useId();
  return (
    <RadioGroup
      value={value}
      onValueChange={(next) => onChange(next as V)}
      aria-label={label}
      className={cx("grid gap-2", columns === 2 && "grid-cols-2", columns === 3 && "grid-cols-3")}
    >
      {options.map((each) => (
        // biome-ignore lint/a11y/noLabelWithoutControl: the radio inside is the control.
        <label
          key={each.value}
          className={cx(
            "flex min-h-8 items-start gap-2.5 rounded-menu border px-3 py-2",
            each.value === value ? "border-accent-solid bg-selected" : "border-line-default bg-surface hover:bg-hover",
          )}
        >
          <Radio.Root
            value={each.value}
            disabled={each.disabled}
            aria-labelledby={`${name}-${each.value}`}
            className={cx(
              "mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full border",
              each.value === value ? "border-accent-solid bg-accent-solid" : "border-line-control bg-surface",
            )}
          >
            <Radio.Indicator className="size-1.5 rounded-full bg-on-accent" />
          </Radio.Root>
          <span className="min-w-0">
            <span id={`${name}-${each.value}`} className="block font-medium">
              {each.label}
            </span>
            {each.about !== undefined && <span className="block text-ink-2 text-table">{each.about}</span>}
          </span>
        </label>
      ))}
    </RadioGroup>
  );
}
