import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconPlugConnected } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useDesk } from "../../app/live.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { Empty } from "../../ui/States.tsx";
import styles from "./NoChannel.module.css";

/** The first step of a new installation, made from whatever connectors there are. */
export function NoChannel() {
  const { t } = useLingui();
  const { connectors, may } = useDesk();
  return (
    <div className={styles.frame}>
      <Empty
        icon={<IconPlugConnected size={22} />}
        title={t`No channel yet`}
        text={
          may.settings ? (
            <Trans>Connect the first place where customers write to you.</Trans>
          ) : (
            <Trans>An owner or admin has to connect the first channel.</Trans>
          )
        }
      />
      {may.settings &&
        [...connectors.values()].map((connector) => (
          <Button
            key={connector.name}
            component={Link}
            to={`/settings/channels/new/${connector.name}`}
            variant="default"
            justify="flex-start"
            leftSection={<ChannelIcon connector={connector} size={16} />}
          >
            {connector.title}
          </Button>
        ))}
    </div>
  );
}
