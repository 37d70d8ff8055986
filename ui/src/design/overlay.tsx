import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as BaseDialog } from "@base-ui/react/dialog";
import { Menu as BaseMenu } from "@base-ui/react/menu";
import { Popover as BasePopover } from "@base-ui/react/popover";
import { Tooltip as BaseTooltip } from "@base-ui/react/tooltip";
import { Check, type LucideIcon, X } from "lucide-react";
import { type ReactElement, type ReactNode, useRef } from "react";
import { t } from "@/i18n";
import { Button, IconButton } from "./button";
import { cx, portalRoot } from "./cx";
import { Kbd, Progress } from "./display";

const floating =
  "border border-line-default bg-surface text-ink-1 shadow-(--shadow-float) outline-none transition-[opacity,transform] duration-[120ms] ease-calm data-ending-style:opacity-0 data-starting-style:opacity-0";

/** One line of help for an element that is focused or pointed at. */
export function Tooltip({ text, shortcut, children }: { text: string; shortcut?: string; children: ReactElement }) {
  return (
    <BaseTooltip.Root>
      <BaseTooltip.Trigger render={children} delay={500} />
      <BaseTooltip.Portal container={portalRoot()}>
        <BaseTooltip.Positioner sideOffset={6} className="z-50">
          <BaseTooltip.Popup
            className={cx(floating, "flex max-w-80 items-center gap-2 rounded-menu px-2 py-1 text-table text-ink-2")}
          >
            {text}
            {shortcut !== undefined && <Kbd keys={shortcut} />}
          </BaseTooltip.Popup>
        </BaseTooltip.Positioner>
      </BaseTooltip.Portal>
    </BaseTooltip.Root>
  );
}

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** One sentence under the title. */
  about?: ReactNode;
  children?: ReactNode;
  /** Buttons at the foot. */
  actions?: ReactNode;
  /** Makes a form of it: Enter and the last button do this, once at a time; the one before closes it. */
  submit?: Submit;
  width?: "small" | "medium" | "large";
}

export interface Submit {
  /** The verb, with its object. */
  label: string;
  run: () => void;
  /** Something is missing. */
  disabled?: boolean;
  busy?: boolean;
  danger?: boolean;
  /** What the other button says. */
  close?: string;
}

const widths = { small: "w-105", medium: "w-150", large: "w-240" };

/** A question or a form in front of the screen. */
export function Dialog({ open, onClose, title, about, children, actions, submit, width = "medium" }: DialogProps) {
  const content = useRef<HTMLDivElement>(null);
  const foot = submit === undefined ? actions : <Answers submit={submit} onClose={onClose} />;
  const inside = (
    <>
      <header className="flex items-start gap-3 px-6 pt-5 pb-3">
        <div className="min-w-0 flex-1">
          <BaseDialog.Title className="font-semibold text-section">{title}</BaseDialog.Title>
          {about !== undefined && (
            <BaseDialog.Description className="mt-0.5 text-body text-ink-2">{about}</BaseDialog.Description>
          )}
        </div>
        <BaseDialog.Close render={<IconButton plain icon={X} label={t("common.close")} className="-mr-2" />} />
      </header>
      <div ref={content} className="min-h-0 flex-1 overflow-auto px-6 py-2">
        {children}
      </div>
      {foot !== undefined && <footer className="flex justify-end gap-2 px-6 pt-3 pb-5">{foot}</footer>}
    </>
  );
  return (
    <BaseDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <BaseDialog.Portal container={portalRoot()}>
        <BaseDialog.Backdrop className="fixed inset-0 z-40 bg-black/30 transition-opacity duration-[120ms] data-ending-style:opacity-0 data-starting-style:opacity-0 dark:bg-black/60" />
        <BaseDialog.Popup
          // A form begins at its first field, not at the sign that closes it.
          initialFocus={() =>
            (submit &&
              content.current?.querySelector<HTMLElement>(
                "input:not([type='hidden'], [aria-hidden='true']), textarea",
              )) ??
            true
          }
          className={cx(
            floating,
            widths[width],
            "-translate-x-1/2 -translate-y-1/2 fixed top-1/2 left-1/2 z-40 flex max-h-[calc(100vh-48px)] max-w-[calc(100vw-32px)] flex-col rounded-dialog",
          )}
        >
          {submit === undefined ? (
            inside
          ) : (
            <form
              noValidate
              className="flex min-h-0 flex-col"
              onSubmit={(event) => {
                event.preventDefault();
                // React tells the form around the one who opened this dialog, too.
                event.stopPropagation();
                if (!submit.disabled && !submit.busy) submit.run();
              }}
            >
              {inside}
            </form>
          )}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

function Answers({ submit, onClose }: { submit: Submit; onClose: () => void }) {
  return (
    <>
      <Button onClick={onClose}>{submit.close ?? t("common.cancel")}</Button>
      <Button type="submit" look={submit.danger ? "danger" : "primary"} disabled={submit.disabled} busy={submit.busy}>
        {submit.label}
      </Button>
    </>
  );
}

export interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  about: string;
  /** The verb, with its object: "Delete 12 contacts". */
  action: string;
  busy?: boolean;
  danger?: boolean;
}

/** Asks before something that is hard to take back. */
export function Confirm({ open, onClose, onConfirm, title, about, action, busy, danger = true }: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal container={portalRoot()}>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-black/30 dark:bg-black/60" />
        <AlertDialog.Popup
          className={cx(
            floating,
            "-translate-x-1/2 -translate-y-1/2 fixed top-1/2 left-1/2 z-40 w-105 max-w-[calc(100vw-32px)] rounded-dialog p-6",
          )}
        >
          <AlertDialog.Title className="font-semibold text-section">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1 text-ink-2">{about}</AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Close render={<Button>{t("common.cancel")}</Button>} />
            <Button look={danger ? "danger" : "primary"} busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** Stands before everything while something is under way that nothing else can be done beside. */
export function Waiting({ open, title, about }: { open: boolean; title: string; about: string }) {
  return (
    <AlertDialog.Root open={open}>
      <AlertDialog.Portal container={portalRoot()}>
        <AlertDialog.Backdrop className="late fixed inset-0 z-40 bg-app" />
        <AlertDialog.Popup className="late -translate-x-1/2 -translate-y-1/2 fixed top-1/2 left-1/2 z-40 w-105 max-w-[calc(100vw-32px)] outline-none">
          <AlertDialog.Title className="truncate font-semibold text-section">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1 mb-4 text-ink-2">{about}</AlertDialog.Description>
          <Progress done={0} total={null} label={title} />
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

export interface MenuEntry {
  label: string;
  icon?: LucideIcon;
  onSelect: () => void;
  shortcut?: string;
  disabled?: boolean;
  danger?: boolean;
  checked?: boolean;
  /** A line above it. */
  divided?: boolean;
}

const itemShape =
  "flex h-8 cursor-default select-none items-center gap-2 rounded-control px-2 text-body outline-none data-disabled:text-ink-3 data-highlighted:bg-hover";

/** Verbs behind a button. */
export function Menu({
  trigger,
  entries,
  header,
  align = "start",
}: {
  trigger: ReactElement;
  entries: MenuEntry[];
  header?: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger render={trigger} />
      <BaseMenu.Portal container={portalRoot()}>
        <BaseMenu.Positioner sideOffset={4} align={align} className="z-50 outline-none">
          <BaseMenu.Popup className={cx(floating, "min-w-48 max-w-90 rounded-menu p-1")}>
            {header}
            {entries.map((entry) => (
              <MenuLine key={entry.label} entry={entry} />
            ))}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

function MenuLine({ entry }: { entry: MenuEntry }) {
  const Icon = entry.icon;
  const inside = (
    <>
      {Icon !== undefined && <Icon size={16} aria-hidden className="shrink-0 text-ink-3" />}
      <span className="min-w-0 flex-1 truncate">{entry.label}</span>
      {entry.checked === true && <Check size={16} aria-hidden className="shrink-0 text-accent-text" />}
      {entry.shortcut !== undefined && <Kbd keys={entry.shortcut} />}
    </>
  );
  const className = cx(itemShape, entry.danger && "text-bad");
  return (
    <>
      {entry.divided && <BaseMenu.Separator className="my-1 border-line-subtle border-t" />}
      {entry.checked === undefined ? (
        <BaseMenu.Item className={className} disabled={entry.disabled} onClick={entry.onSelect}>
          {inside}
        </BaseMenu.Item>
      ) : (
        <BaseMenu.CheckboxItem
          className={className}
          disabled={entry.disabled}
          checked={entry.checked}
          onCheckedChange={() => entry.onSelect()}
        >
          {inside}
        </BaseMenu.CheckboxItem>
      )}
    </>
  );
}

/** A small panel beside its button. */
export function Popover({
  trigger,
  title,
  children,
  align = "start",
  className,
}: {
  trigger: ReactElement;
  title: string;
  children: ReactNode;
  align?: "start" | "center" | "end";
  className?: string;
}) {
  return (
    <BasePopover.Root>
      <BasePopover.Trigger render={trigger} />
      <BasePopover.Portal container={portalRoot()}>
        <BasePopover.Positioner sideOffset={6} align={align} className="z-40">
          <BasePopover.Popup className={cx(floating, "rounded-card p-4", className)}>
            <BasePopover.Title className="mb-2 font-semibold text-body">{title}</BasePopover.Title>
            {children}
          </BasePopover.Popup>
        </BasePopover.Positioner>
      </BasePopover.Portal>
    </BasePopover.Root>
  );
}
