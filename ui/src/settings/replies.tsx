import { useRead } from "@/api/client";
import { t } from "@/i18n";
import { ListeningCard } from "./listening";
import { Mailboxes } from "./mailboxes";
import { PartHead } from "./part";
import { Relay } from "./relay";
import { Topics } from "./topics";
import { Unlock } from "./unlock";

/** How the workspace hears what people answer: its mailboxes, its relay, and what waits while they are silent. */
export function Replies() {
  const mailboxes = useRead("mailboxes.list", {});
  const relay = useRead("relay.get", {});
  const locked = mailboxes.data?.some((mailbox) => mailbox.locked) || relay.data?.locked;
  return (
    <>
      <PartHead title={t("settings.parts.replies")} about={t("settings.listening.about")} />
      <ListeningCard />
      {locked && <Unlock about={t("settings.listening.locked_about")} />}
      <Mailboxes />
      <Relay />
      <Topics />
    </>
  );
}
