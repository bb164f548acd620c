import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import type { Row } from "@omnibox/api";
import { IconDots, IconGitMerge } from "@tabler/icons-react";
import { useConnectorOf } from "../../app/live.ts";
import { useRearranging } from "../../app/rearranging.ts";
import { usePick } from "./usePick.tsx";

/** What else can be done to a conversation. */
export function MoreMenu({ row }: { row: Row }) {
  const { t } = useLingui();
  const { merge } = useRearranging();
  const connector = useConnectorOf(row.channel);
  const { ask, dialog } = usePick();
  if (connector?.capabilities.threads_by !== "refs") return null;
  const askAndMerge = () =>
    ask({ row, title: t`Merge this conversation`, onPick: (into) => void merge(row, into) });
  return (
    <>
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="neutral" size={32} aria-label={t`More`}>
            <IconDots size={18} stroke={1.75} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconGitMerge size={16} />} onClick={askAndMerge}>
            <Trans>Merge into…</Trans>
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog}
    </>
  );
}
