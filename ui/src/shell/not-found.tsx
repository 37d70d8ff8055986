import { useNavigate } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Button, EmptyState } from "@/design";
import { t } from "@/i18n";

/** What an address shows that leads nowhere: an old link, or one that was typed. */
export function NotFound() {
  const navigate = useNavigate();
  return (
    <EmptyState icon={Compass} title={t("common.no_such_page")} about={t("common.no_such_page_about")}>
      <Button look="primary" onClick={() => void navigate({ to: "/home" })}>
        {t("common.go_home")}
      </Button>
    </EmptyState>
  );
}
