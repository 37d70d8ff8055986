import { useRead } from "@/api/client";
import { t } from "@/i18n";
import { ListeningCard } from "./listening";
import { Mailboxes } from "./mailboxes";
import { PartHead } from "./part";
import { Relay } from "./relay";
import { Unlock } from "./unlock";

/** How the workspace hears what people answer: its mailboxes, its relay, and what waits while they are silent. */
export function Replies() {
  const accounts = useRead("accounts.list", {});
  return (
    <>
      <PartHead title={t("settings.parts.replies")} about={t("settings.listening.about")} />
      <ListeningCard />
      {accounts.data?.some((account) => account.locked) && <Unlock />}
      <Mailboxes />
      <Relay />
    </>
  );
}
