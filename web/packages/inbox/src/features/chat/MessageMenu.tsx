import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import type { Message } from "@omnibox/api";
import { IconArrowsSplit2, IconCreditCardOff, IconDots, IconSwitch3 } from "@tabler/icons-react";
import { useConnectorOf, useRow } from "../../app/live.ts";
import { useRearranging } from "../../app/rearranging.ts";
import { spotsOf } from "../../ui/spots.ts";
import styles from "./MessageItem.module.css";
import { useMaskReport } from "./useMaskReport.ts";
import { usePick } from "./usePick.tsx";

const MOST_SPOTS = 5;

/** What can be done to one message. It moves only where a conversation is a thing of its own, not the person. */
export function MessageMenu({ message }: { message: Message }) {
  const { t } = useLingui();
  const { split, move } = useRearranging();
  const row = useRow(message.conversation);
  const connector = useConnectorOf(message.channel);
  const { ask, dialog } = usePick();
  const reportMask = useMaskReport();
  const canMove = connector?.capabilities.threads_by === "refs" && message.kind !== "note";
  const spots = spotsOf(message.text).slice(0, MOST_SPOTS);
  if (!row || (!canMove && spots.length === 0)) return null;
  const askAndMove = () =>
    ask({
      row,
      title: t`Move this message`,
      onPick: (into) => void move(row.id, message.id, into),
    });
  return (
    <>
      <Menu position="bottom-end" width={240}>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="neutral"
            size={24}
            className={styles.more}
            aria-label={t`More for this message`}
          >
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {canMove && (
            <>
              <Menu.Item
                leftSection={<IconArrowsSplit2 size={16} />}
                onClick={() => void split(row.id, message.id, true)}
              >
                <Trans>Split off from here on</Trans>
              </Menu.Item>
              <Menu.Item
                leftSection={<IconArrowsSplit2 size={16} />}
                onClick={() => void split(row.id, message.id, false)}
              >
                <Trans>Split off this message</Trans>
              </Menu.Item>
              <Menu.Item leftSection={<IconSwitch3 size={16} />} onClick={askAndMove}>
                <Trans>Move this message…</Trans>
              </Menu.Item>
            </>
          )}
          {spots.length > 0 && (
            <>
              {canMove && <Menu.Divider />}
              <Menu.Label>
                <Trans>This was no card number</Trans>
              </Menu.Label>
              {spots.map((spot, index) => {
                // A spot is named by its place.
                const key = `${index}`;
                return (
                  <Menu.Item
                    key={key}
                    leftSection={<IconCreditCardOff size={16} />}
                    aria-label={t`This was no card number: ${spot}`}
                    onClick={() => void reportMask(message.id, index)}
                  >
                    <span className="num">{spot}</span>
                  </Menu.Item>
                );
              })}
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialog}
    </>
  );
}
