import { Ban, ChevronDown, MailOpen, MousePointerClick, Reply, ShoppingBag, ThumbsDown } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { useWrite } from "@/api/client";
import type { WorldDeed } from "@/api/gen/WorldDeed";
import type { WorldLink } from "@/api/gen/WorldLink";
import type { WorldMail } from "@/api/gen/WorldMail";
import { Button, Field, Menu, type MenuEntry, sayError, TextArea, Tooltip } from "@/design";
import { t } from "@/i18n";
import { Buy } from "./buy";

/** Longest answer, in characters: the border's. */
const LONGEST = 10_000;

/** The links somebody can see, each with what it promises, shortened; what machines alone follow is left out. */
export function visibleLinks(links: readonly WorldLink[]): { place: number; link: WorldLink }[] {
  return links.flatMap((link, place) => (link.hidden ? [] : [{ place, link }]));
}

/** What the user does as the person who got a mail. */
export function Acts({
  mail,
  name,
  replying,
  onReplying,
}: {
  mail: WorldMail;
  name: string;
  replying: boolean;
  onReplying: (replying: boolean) => void;
}) {
  const [buying, setBuying] = useState(false);
  // What was done shows among what the person did; a notice would only lie over it.
  const act = useWrite("world.act");
  const doing = act.isPending ? act.variables.deed.kind : null;
  const perform = (deed: WorldDeed) => act.mutate({ id: mail.row.id, deed }, { onError: sayError });
  const links = visibleLinks(mail.links);
  return (
    <div role="group" aria-label={t("world.acts", { name })} className="shrink-0 px-4 pb-2">
      <p className="mb-1.5 text-ink-3 text-table">{t("world.acts_about", { name })}</p>
      <div className="@container">
        <div className="flex flex-wrap gap-1.5 @max-[650px]:[&>button>svg:first-child]:hidden">
          <Deed
            kind="open"
            busy={doing === "open"}
            cannot={mail.tells_opening ? null : t("world.cannot.open", { name })}
            onAct={() => perform({ kind: "open" })}
          />
          {links.length === 0 ? (
            <Deed kind="click" busy={false} cannot={t("world.cannot.click")} onAct={() => {}} />
          ) : (
            <Menu
              trigger={
                <Button icon={MousePointerClick} busy={doing === "click"}>
                  {t("world.act.click")}
                  <ChevronDown size={14} aria-hidden className="-mr-1 text-ink-3" />
                </Button>
              }
              entries={links.map(
                ({ place, link }): MenuEntry => ({
                  label: linkText(link, place, links),
                  onSelect: () => perform({ kind: "click", link: place }),
                }),
              )}
            />
          )}
          <Tooltip text={t("world.reply_label", { name })} shortcut="R">
            <Button icon={Reply} aria-pressed={replying} aria-keyshortcuts="r" onClick={() => onReplying(!replying)}>
              {t("world.act.reply")}
            </Button>
          </Tooltip>
          <Button icon={ShoppingBag} onClick={() => setBuying(true)}>
            {t("world.act.buy")}
          </Button>
          <Deed
            kind="unsubscribe"
            busy={doing === "unsubscribe"}
            cannot={mail.can_leave ? null : t("world.cannot.unsubscribe")}
            onAct={() => perform({ kind: "unsubscribe" })}
          />
          <Deed kind="complain" busy={doing === "complain"} cannot={null} onAct={() => perform({ kind: "complain" })} />
        </div>
      </div>
      {replying && (
        <Composer
          name={name}
          to={mail.row.from}
          busy={doing === "reply"}
          error={act.error?.fields.text}
          onSend={(text) =>
            act.mutate(
              { id: mail.row.id, deed: { kind: "reply", text } },
              {
                onSuccess: () => onReplying(false),
                onError: (error) => error.fields.text === undefined && sayError(error),
              },
            )
          }
          onClose={() => onReplying(false)}
        />
      )}
      {buying && (
        <Buy
          name={name}
          busy={doing === "buy"}
          error={act.error?.fields.amount}
          onClose={() => {
            setBuying(false);
            act.reset();
          }}
          onBuy={(amount) =>
            act.mutate(
              { id: mail.row.id, deed: { kind: "buy", amount } },
              {
                onSuccess: () => setBuying(false),
                onError: (error) => error.fields.amount === undefined && sayError(error),
              },
            )
          }
        />
      )}
    </div>
  );
}

const ICONS = { open: MailOpen, click: MousePointerClick, unsubscribe: Ban, complain: ThumbsDown };

/** A deed without questions; where the mail does not allow it, it says why. */
function Deed({
  kind,
  busy,
  cannot,
  onAct,
}: {
  kind: keyof typeof ICONS;
  busy: boolean;
  cannot: string | null;
  onAct: () => void;
}) {
  const button = (
    <Button
      icon={ICONS[kind]}
      busy={busy}
      aria-disabled={cannot !== null || undefined}
      className={cannot === null ? undefined : "text-ink-3"}
      onClick={() => cannot === null && onAct()}
    >
      {t(`world.act.${kind}`)}
    </Button>
  );
  // One can stand on it and read why.
  return cannot === null ? button : <Tooltip text={cannot}>{button}</Tooltip>;
}

/**
 * A link as it stands in a menu: what it promises and what its reader sees of it, else where it leads; told apart by its
 * place where two look alike.
 */
export function linkText(link: WorldLink, place: number, all: readonly { place: number; link: WorldLink }[]): string {
  const of = (each: WorldLink) => {
    const what = `${t(`world.links.${each.kind}`)} · ${each.words || each.url.replace(/^https?:\/\//, "")}`;
    return each.unheard ? t("world.unheard", { what }) : what;
  };
  const text = of(link);
  const alike = all.some((other) => other.place !== place && of(other.link) === text);
  return alike ? `${place + 1}. ${text}` : text;
}

function Composer({
  name,
  to,
  busy,
  error,
  onSend,
  onClose,
}: {
  name: string;
  to: string;
  busy: boolean;
  error: string | undefined;
  onSend: (text: string) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState("");
  const ready = text.trim() !== "" && !busy;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready) {
      event.preventDefault();
      onSend(text);
    }
  };
  return (
    <form
      aria-label={t("world.reply_label", { name })}
      className="mt-2 rounded-menu border border-line-default bg-surface p-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onSend(text);
      }}
    >
      <Field label={t("world.reply_to", { from: to })} error={error}>
        <TextArea
          // It was opened to be written in.
          ref={(element) => element?.focus()}
          value={text}
          maxLength={LONGEST}
          rows={4}
          placeholder={t("world.reply_placeholder", { name })}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </Field>
      <div className="mt-2 flex items-center gap-2">
        <p className="min-w-0 flex-1 truncate text-ink-3 text-table">{t("world.reply_keys")}</p>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" look="primary" disabled={text.trim() === ""} busy={busy}>
          {t("world.reply_send", { name })}
        </Button>
      </div>
    </form>
  );
}
