import { useEffect, useState } from "react";
import { useWrite } from "@/api/client";
import type { MailboxTest } from "@/api/gen/MailboxTest";
import type { MailboxView } from "@/api/gen/MailboxView";
import { CheckLine, Dialog, ErrorView, Facts, Note, Progress, say, sayError } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import { draftOf, foldersRead, inOrder, ticked } from "./mailbox-draft";

/** Signs in to a mailbox, tells what is there, and lets the folders be chosen. */
export function MailboxTestDialog({ mailbox, onClose }: { mailbox: MailboxView; onClose: () => void }) {
  const [chosen, setChosen] = useState<readonly string[] | null>(null);
  const test = useWrite("mailboxes.test");
  const save = useWrite("mailboxes.update", {
    onSuccess: () => {
      say(t("settings.mailbox_test.saved"));
      onClose();
    },
    onError: sayError,
  });
  const { mutate } = test;
  const { id } = mailbox;
  useEffect(() => mutate({ id }), [mutate, id]);
  const found = test.data?.ok ? test.data : null;
  const read = chosen ?? (found === null ? [] : ticked(mailbox.folders, found));
  const changed = found !== null && !same(read, foldersRead(mailbox.folders));
  const keep = () => {
    if (!changed) return onClose();
    save.mutate({ id, mailbox: { ...draftOf(mailbox), folders: inOrder(read) } });
  };
  const submit =
    found === null
      ? {
          label: t("settings.mailbox_test.run"),
          run: () => mutate({ id }),
          busy: test.isPending,
          close: t("common.close"),
        }
      : {
          label: t(changed ? "settings.mailbox_test.save" : "settings.mailbox_test.unchanged"),
          run: keep,
          busy: save.isPending,
          disabled: read.length === 0,
          close: t("common.close"),
        };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("settings.mailbox_test.title", { name: mailbox.name })}
      about={t("settings.mailbox_test.about")}
      submit={submit}
    >
      <div aria-live="polite" className="min-h-24 space-y-4">
        {test.isPending && (
          <div className="space-y-2">
            <p className="text-ink-2">{t("settings.mailbox_test.running")}</p>
            <Progress done={0} total={null} label={t("settings.mailbox_test.running")} />
          </div>
        )}
        {test.isError && <ErrorView error={test.error} />}
        {test.data?.ok === false && !test.isPending && (
          <Note tone="bad" title={t("settings.mailbox_test.failed")}>
            <span className="wrap-anywhere">{test.data.message}</span>
          </Note>
        )}
        {found !== null && !test.isPending && <FoundThere test={found} read={read} onRead={setChosen} />}
      </div>
    </Dialog>
  );
}

const same = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((name) => other.includes(name));

function FoundThere({
  test,
  read,
  onRead,
}: {
  test: MailboxTest;
  read: readonly string[];
  onRead: (names: readonly string[]) => void;
}) {
  return (
    <>
      <Note tone="ok" title={t("settings.mailbox_test.ok")} />
      <Facts
        items={[
          { label: t("settings.mailbox_test.server"), value: test.message },
          { label: t("settings.mailbox_test.mails"), value: count(test.mails) },
          {
            label: t("settings.mailbox_test.at_once"),
            value: t(test.listens ? "settings.mailbox_test.at_once_yes" : "settings.mailbox_test.at_once_no"),
          },
        ]}
      />
      <section>
        <h3 className="font-semibold">{t("settings.mailbox_test.folders")}</h3>
        <p className="mb-1 text-ink-3 text-table">{t("settings.mailbox_test.folders_help")}</p>
        <ul className="max-h-64 overflow-auto rounded-menu border border-line-subtle px-1">
          {test.folders.map((folder) => (
            <li key={folder.name}>
              <CheckLine
                checked={read.includes(folder.name)}
                onChange={(on) => onRead(on ? [...read, folder.name] : read.filter((name) => name !== folder.name))}
                label={folder.label}
                about={folder.junk ? t("settings.mailbox_test.junk") : undefined}
              />
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
