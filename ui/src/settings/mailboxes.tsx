import { Inbox, KeyRound, LogIn, Pencil, Plus, Power, ScanSearch, Trash2 } from "lucide-react";
import { useRead, useWrite } from "@/api/client";
import type { Mailbox } from "@/api/gen/Mailbox";
import type { MailboxView } from "@/api/gen/MailboxView";
import { Badge, Button, Card, Confirm, EmptyState, ErrorView, IconButton, SkeletonLines, sayError } from "@/design";
import { ago } from "@/format";
import { t } from "@/i18n";
import { useClock } from "@/shell/now";
import { type Asking, useLed, type What } from "./led";
import { foldersRead } from "./mailbox-draft";
import { MailboxDialog } from "./mailbox-form";
import { MailboxTestDialog } from "./mailbox-test";
import { ReadNow } from "./read-now";
import { MailboxSecretDialog } from "./secret";
import { SignInDialog } from "./sign-in";

/** The mailboxes that are read. A new one is led through its password and a test. */
export function Mailboxes() {
  const list = useRead("mailboxes.list", {});
  const led = useLed();
  const add = (
    <Button look="primary" icon={Plus} onClick={led.add}>
      {t("settings.mailboxes.add")}
    </Button>
  );
  const some = list.data !== undefined && list.data.length > 0;
  return (
    <Card
      flush
      title={t("settings.mailboxes.title")}
      about={t("settings.mailboxes.about")}
      actions={
        some && (
          <>
            <ReadNow />
            {add}
          </>
        )
      }
    >
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <SkeletonLines lines={3} />}
      {list.data?.length === 0 && (
        <EmptyState icon={Inbox} title={t("settings.mailboxes.none")} about={t("settings.mailboxes.none_about")}>
          {add}
        </EmptyState>
      )}
      <ul className="divide-y divide-line-subtle border-line-subtle border-t empty:hidden">
        {list.data?.map((mailbox) => (
          <Row key={mailbox.id} mailbox={mailbox} onAsk={(what) => led.ask(what, mailbox.id)} />
        ))}
      </ul>
      <Asked
        asking={led.asking}
        list={list.data ?? []}
        onClose={led.close}
        onSaved={({ id }) => led.saved(id)}
        onOpened={led.kept}
      />
    </Card>
  );
}

function Row({ mailbox, onAsk }: { mailbox: MailboxView; onAsk: (what: What) => void }) {
  const { now } = useClock();
  const turn = useWrite("mailboxes.switch", { onError: sayError });
  const { name } = mailbox;
  const oauth = mailbox.auth.kind === "oauth";
  const folders = foldersRead(mailbox.folders);
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-72">
        <p className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 truncate font-semibold">{name}</span>
          {!mailbox.has_secret && (
            <Badge tone="warn" dot>
              {t(oauth ? "settings.mailboxes.not_signed_in" : "settings.mailboxes.no_password")}
            </Badge>
          )}
          {mailbox.off && <Badge tone="warn">{t("settings.mailboxes.off")}</Badge>}
        </p>
        <p className="truncate text-ink-2">{mailbox.user}</p>
        <p className="truncate text-ink-3 text-table" title={folders.join(", ")}>
          {`${mailbox.host}:${mailbox.port} · ${t(`settings.accounts.tls.${mailbox.tls}`)} · ${t("settings.mailboxes.folders_read", { n: folders.length, names: folders.join(", ") })}`}
        </p>
        <p className="text-ink-3 text-table">
          {mailbox.read_at === null
            ? t("settings.listening.never")
            : t("settings.listening.read", { ago: ago(mailbox.read_at, now) })}
        </p>
        {mailbox.trouble !== null && <p className="wrap-anywhere text-bad text-table">{mailbox.trouble}</p>}
      </div>
      <div className="flex shrink-0 items-center gap-1">
        <Button icon={ScanSearch} onClick={() => onAsk("test")}>
          {t("settings.mailboxes.test")}
        </Button>
        <IconButton
          icon={oauth ? LogIn : KeyRound}
          label={t(oauth ? "settings.mailboxes.sign_in" : "settings.mailboxes.secret", { name })}
          onClick={() => onAsk("secret")}
        />
        <IconButton icon={Pencil} label={t("settings.mailboxes.edit", { name })} onClick={() => onAsk("edit")} />
        <IconButton
          icon={Power}
          label={t(mailbox.off ? "settings.mailboxes.switch_on" : "settings.mailboxes.switch_off", { name })}
          onClick={() => turn.mutate({ id: mailbox.id, off: !mailbox.off })}
        />
        <IconButton icon={Trash2} label={t("settings.mailboxes.delete", { name })} onClick={() => onAsk("delete")} />
      </div>
    </li>
  );
}

/** The dialog that is open, if one is. */
function Asked({
  asking,
  list,
  onClose,
  onSaved,
  onOpened,
}: {
  asking: Asking;
  list: readonly MailboxView[];
  onClose: () => void;
  onSaved: (saved: Mailbox) => void;
  onOpened: (id: number) => void;
}) {
  const remove = useWrite("mailboxes.delete", { onSuccess: onClose, onError: sayError });
  if (asking === null) return null;
  if (asking.what === "add") return <MailboxDialog mailbox={null} onClose={onClose} onSaved={onSaved} />;
  // A mailbox that was just added is in the list a moment later.
  const mailbox = list.find((each) => each.id === asking.id);
  if (mailbox === undefined) return null;
  switch (asking.what) {
    case "edit":
      return <MailboxDialog mailbox={mailbox} onClose={onClose} onSaved={onSaved} />;
    case "secret":
      return mailbox.auth.kind === "oauth" ? (
        <SignInDialog what="mailboxes" to={mailbox} onClose={onClose} onSignedIn={() => onOpened(mailbox.id)} />
      ) : (
        <MailboxSecretDialog mailbox={mailbox} onClose={onClose} onKept={() => onOpened(mailbox.id)} />
      );
    case "test":
      return <MailboxTestDialog mailbox={mailbox} onClose={onClose} />;
    case "delete":
      return (
        <Confirm
          open
          onClose={onClose}
          onConfirm={() => remove.mutate({ id: mailbox.id })}
          busy={remove.isPending}
          title={t("settings.mailboxes.delete_title", { name: mailbox.name })}
          about={t("settings.mailboxes.delete_about")}
          action={t("settings.mailboxes.delete_action")}
        />
      );
  }
}
