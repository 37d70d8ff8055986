import { Button as BaseButton } from "@base-ui/react/button";
import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode, Ref } from "react";
import { cx } from "./cx";
import { Tooltip } from "./overlay";

type Look = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Look, string> = {
  primary:
    "bg-accent-solid text-on-accent not-data-disabled:hover:bg-accent-hover data-disabled:bg-hover data-disabled:text-ink-3",
  plain:
    "border border-line-default bg-surface text-ink-1 not-data-disabled:hover:bg-hover not-data-disabled:active:bg-sunken data-disabled:text-ink-3",
  quiet: "text-ink-2 not-data-disabled:hover:bg-hover not-data-disabled:hover:text-ink-1 data-disabled:text-ink-3",
  danger: "border border-line-default bg-surface text-bad not-data-disabled:hover:bg-hover data-disabled:text-ink-3",
};

const shape =
  "inline-flex h-8 shrink-0 select-none items-center justify-center gap-1.5 rounded-control font-medium whitespace-nowrap transition-transform duration-[80ms] not-data-disabled:active:scale-[0.98]";

export interface ButtonProps extends Omit<ComponentProps<"button">, "ref"> {
  look?: Look;
  icon?: LucideIcon;
  /** Work is under way: the button keeps its width and takes no second press. */
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/** A verb. One `primary` a screen. */
export function Button({
  look = "plain",
  icon: Icon,
  busy = false,
  disabled,
  className,
  children,
  ...rest
}: ButtonProps) {
  const Shown = busy ? LoaderCircle : Icon;
  return (
    <BaseButton
      type="button"
      {...rest}
      disabled={disabled || busy}
      focusableWhenDisabled={busy}
      aria-busy={busy || undefined}
      className={cx(shape, looks[look], "px-3", className)}
    >
      {Shown !== undefined && <Shown size={16} aria-hidden className={cx("-ml-0.5", busy && "animate-spin")} />}
      {children}
    </BaseButton>
  );
}

export interface IconButtonProps extends Omit<ComponentProps<"button">, "ref" | "children"> {
  icon: LucideIcon;
  /** What it does: its name for screen readers and its tooltip. */
  label: string;
  shortcut?: string;
  pressed?: boolean;
  /** Everybody knows the sign. Escape is for what it stands in, and closes no tooltip first. */
  plain?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/** A verb without room for its word. */
export function IconButton({
  icon: Icon,
  label,
  shortcut,
  pressed,
  plain = false,
  className,
  ...rest
}: IconButtonProps) {
  const button = (
    <BaseButton
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      {...rest}
      className={cx(shape, looks.quiet, "w-8", pressed && "bg-selected text-accent-text", className)}
    >
      <Icon size={16} aria-hidden />
    </BaseButton>
  );
  return plain ? (
    button
  ) : (
    <Tooltip text={label} shortcut={shortcut}>
      {button}
    </Tooltip>
  );
}

/** Buttons that belong together, at the end of a form or dialog. */
export function Actions({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={cx("flex items-center justify-end gap-2", className)}>{children}</div>;
}
