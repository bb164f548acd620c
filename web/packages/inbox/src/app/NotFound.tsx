import { Trans, useLingui } from "@lingui/react/macro";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Empty } from "../ui/States.tsx";

export function NotFound() {
  const { t } = useLingui();
  return (
    <Empty icon={<IconMapOff size={22} />} title={t`There is nothing here, or it is not for you`}>
      <Link to="/">
        <Trans>Back to the conversations</Trans>
      </Link>
    </Empty>
  );
}
