import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Button, Menu } from "@mantine/core";
import type { Row } from "@omnibox/api";
import {
  IconArrowBackUp,
  IconCheck,
  IconChevronLeft,
  IconLayoutSidebarRight,
  IconUserPlus,
} from "@tabler/icons-react";
import { useConversationActions } from "../../app/actions.ts";
import { useAgent, useChannel, useConnectorOf, useDesk, useTyping } from "../../app/live.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { Reasoned } from "../../ui/Reasoned.tsx";
import styles from "./ChatHeader.module.css";
import { MoreMenu } from "./MoreMenu.tsx";
import { People } from "./People.tsx";

export function useMayResolve(row: Row | undefined): boolean {
  const { me, may } = useDesk();
  return may.resolve_any || row?.assignee === me.id;
}

function Assign({ row }: { row: Row }) {
  const { t } = useLingui();
  const { me, may, agents } = useDesk();
  const { assign } = useConversationActions();
  const assignee = useAgent(row.assignee);
  const isFree = row.assignee === null;
  const isMine = row.assignee === me.id;
  if (isFree)
    return (
      <Button
        variant="default"
        size="sm"
        leftSection={<IconUserPlus size={16} />}
        className={styles.take}
        onClick={() => void assign(row, me.id)}
      >
        <Trans>Assign to me</Trans>
      </Button>
    );
  const mayChange = isMine || may.resolve_any;
  const name = assignee?.name ?? t`Somebody who left`;
  const target = (
    <button type="button" className={styles.assignee}>
      <Avatar label={name} size="s" />
      <span className="visually-hidden">
        <Trans>Assigned to</Trans>{" "}
      </span>
      <span className="clip">{isMine ? t`You` : name}</span>
    </button>
  );
  if (!mayChange)
    return (
      <Reasoned reason={t`Only the assigned agent, an admin or the owner can hand it over`}>
        {target}
      </Reasoned>
    );
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown>
        {!isMine && (
          <Menu.Item onClick={() => void assign(row, me.id)}>
            <Trans>Assign to me</Trans>
          </Menu.Item>
        )}
        {[...agents.values()]
          .filter(({ id, is_active }) => is_active && id !== row.assignee && id !== me.id)
          .map((agent) => (
            <Menu.Item
              key={agent.id}
              leftSection={<Avatar label={agent.name} size="s" />}
              onClick={() => void assign(row, agent.id)}
            >
              {agent.name}
            </Menu.Item>
          ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void assign(row, null)}>
          <Trans>Nobody</Trans>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function ResolveButton({ row }: { row: Row }) {
  const { t } = useLingui();
  const { resolve, reopen } = useConversationActions();
  const mayResolve = useMayResolve(row);
  const refusal =
    row.assignee === null
      ? t`Assign it to yourself first: only the assigned agent, an admin or the owner can resolve`
      : t`Only the assigned agent, an admin or the owner can resolve`;
  const isOpen = row.state === "open";
  return (
    <Reasoned reason={mayResolve ? null : refusal}>
      {isOpen ? (
        <Button
          color="success"
          size="sm"
          className={styles.resolve}
          leftSection={<IconCheck size={16} stroke={2.5} />}
          onClick={() => void resolve(row)}
        >
          <Trans>Resolve</Trans>
        </Button>
      ) : (
        <Button
          variant="default"
          size="sm"
          leftSection={<IconArrowBackUp size={16} />}
          onClick={() => void reopen(row)}
        >
          <Trans>Reopen</Trans>
        </Button>
      )}
    </Reasoned>
  );
}

function Status({ row }: { row: Row }) {
  const { t } = useLingui();
  const typing = useTyping(row.id);
  const colleague = useAgent(typeof typing === "number" ? typing : null);
  const colleagueName = colleague?.name;
  const channel = useChannel(row.channel);
  const connector = useConnectorOf(row.channel);
  const presence = { here: t`On the website`, left: t`Left the website` };
  return (
    <p className={styles.status}>
      <ChannelIcon connector={connector} inList size={12} />
      <span className="clip">{channel?.name}</span>
      {row.presence && <span className="clip">· {presence[row.presence]}</span>}
      {row.state === "resolved" && (
        <span className={styles.resolved}>
          · <Trans context="one conversation">Resolved</Trans>
        </span>
      )}
      {colleagueName && (
        <span className={`clip ${styles.colleague}`}>
          · <Trans>{colleagueName} is writing</Trans>
        </span>
      )}
    </p>
  );
}

interface ChatHeaderProps {
  row: Row;
  hasCard: boolean;
  onCard: () => void;
  onBack: (() => void) | null;
}

export function ChatHeader({ row, hasCard, onCard, onBack }: ChatHeaderProps) {
  const { t } = useLingui();
  return (
    <header className={styles.header}>
      {onBack && (
        <ActionIcon
          variant="subtle"
          color="neutral"
          size={40}
          aria-label={t`Back to the list`}
          onClick={onBack}
        >
          <IconChevronLeft size={20} />
        </ActionIcon>
      )}
      <div className={styles.who}>
        <h1 className={`clip ${styles.name}`} tabIndex={-1}>
          <bdi>{row.contact.label}</bdi>
        </h1>
        <Status row={row} />
        <People row={row} />
      </div>
      <Assign row={row} />
      <ResolveButton row={row} />
      <MoreMenu row={row} />
      <Reasoned reason={null} hint={t`Contact details`}>
        <ActionIcon
          variant="subtle"
          color="neutral"
          size={32}
          aria-label={t`Contact details`}
          aria-pressed={hasCard}
          onClick={onCard}
        >
          <IconLayoutSidebarRight size={18} stroke={1.75} />
        </ActionIcon>
      </Reasoned>
    </header>
  );
}
