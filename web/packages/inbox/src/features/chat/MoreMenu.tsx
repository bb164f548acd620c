import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import type { Row } from "@omnibox/api";
import { IconDots, IconGitMerge } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useConnectorOf } from "../../app/live.ts";
import { useRearranging } from "../../app/rearranging.ts";

const PickConversation = lazy(() =>
  import("./PickConversation.tsx").then((chunk) => ({ default: chunk.PickConversation })),
);

/** What else can be done to a conversation. */
export function MoreMenu({ row }: { row: Row }) {
  const { t } = useLingui();
  const { merge } = useRearranging();
  const connector = useConnectorOf(row.channel);
  const [isPicking, setPicking] = useState(false);
  if (connector?.capabilities.threads_by !== "refs") return null;
  return (
    <>
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="neutral" size={32} aria-label={t`More`}>
            <IconDots size={18} stroke={1.75} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconGitMerge size={16} />} onClick={() => setPicking(true)}>
            <Trans>Merge into…</Trans>
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isPicking && (
        <Suspense>
          <PickConversation
            row={row}
            title={t`Merge this conversation`}
            onClose={() => setPicking(false)}
            onPick={(into) => {
              setPicking(false);
              void merge(row, into);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
