import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import type { Id, View } from "@omnibox/api";
import { IconFilter, IconSearch, IconX } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useCounts, useDesk } from "../../app/live.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { useKeys } from "../../ui/keys.ts";
import { AgentHeader, TeamFoot } from "./AgentHeader.tsx";
import { ConversationList } from "./ConversationList.tsx";
import styles from "./ListPane.module.css";
import { NoChannel } from "./NoChannel.tsx";

interface ListPaneProps {
  view: View;
  channel: Id | null;
  opened: Id | null;
  onView: (view: View) => void;
  onChannel: (channel: Id | null) => void;
  onOpen: (id: Id, withFocus: boolean) => void;
}

interface TabProps {
  label: string;
  count: number;
  isCurrent: boolean;
  onClick: () => void;
}

const Tab = ({ label, count, isCurrent, onClick }: TabProps) => (
  <button
    type="button"
    className={styles.tab}
    aria-pressed={isCurrent}
    onClick={onClick}
    data-view-count={count}
  >
    {label} <span className={`num ${styles.count}`}>{count}</span>
  </button>
);

function Views({ view, onView }: Pick<ListPaneProps, "view" | "onView">) {
  const { t } = useLingui();
  const counts = useCounts();
  const isOpen = view !== "resolved";
  const tab = (name: View, label: string) => (
    <Tab
      label={label}
      count={counts[name]}
      isCurrent={view === name}
      onClick={() => onView(name)}
    />
  );
  return (
    <div className={styles.views}>
      <fieldset className={styles.states} aria-label={t`State`}>
        <Tab
          label={t`Open`}
          count={counts.all}
          isCurrent={isOpen}
          onClick={() => onView(isOpen ? view : "all")}
        />
        {tab("resolved", t`Resolved`)}
      </fieldset>
      {isOpen && (
        <fieldset className={styles.parts} aria-label={t`Open conversations`}>
          {tab("mine", t`Mine`)}
          {tab("unassigned", t`Unassigned`)}
          {tab("all", t`All`)}
        </fieldset>
      )}
    </div>
  );
}

function ChannelFilter({ channel, onChannel }: Pick<ListPaneProps, "channel" | "onChannel">) {
  const { t } = useLingui();
  const { channels, connectors } = useDesk();
  if (channels.size < 2) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="neutral" size={32} aria-label={t`Filter by channel`}>
          <IconFilter size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onChannel(null)}>
          <Trans>All channels</Trans>
        </Menu.Item>
        {[...channels.values()].map((one) => (
          <Menu.Item
            key={one.id}
            aria-current={one.id === channel || undefined}
            leftSection={<ChannelIcon connector={connectors.get(one.connector)} />}
            onClick={() => onChannel(one.id)}
          >
            {one.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function ListPane({ view, channel, opened, onView, onChannel, onOpen }: ListPaneProps) {
  const { t } = useLingui();
  const { channels, connectors } = useDesk();
  const [words, setWords] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const filter = channel === null ? undefined : channels.get(channel);
  const filterName = filter?.name ?? "";
  useKeys({ "/": () => field.current?.focus() });

  return (
    <section className={styles.pane} aria-label={t`Conversations`}>
      {opened === null && <h1 className="visually-hidden">{t`Conversations`}</h1>}
      <AgentHeader />
      <Views view={view} onView={onView} />
      <div className={styles.tools}>
        <search className={styles.search}>
          <IconSearch size={15} aria-hidden="true" />
          <input
            ref={field}
            value={words}
            aria-label={t`Find in this list`}
            placeholder={t`Find in this list`}
            onChange={(event) => setWords(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              setWords("");
              event.currentTarget.blur();
            }}
          />
        </search>
        <ChannelFilter channel={channel} onChannel={onChannel} />
      </div>
      {filter && (
        <div className={styles.chips}>
          <button
            type="button"
            className={styles.chip}
            aria-label={t`Remove the filter ${filterName}`}
            onClick={() => onChannel(null)}
          >
            <ChannelIcon connector={connectors.get(filter.connector)} size={12} />
            <span className="clip">{filter.name}</span>
            <IconX size={12} aria-hidden="true" />
          </button>
        </div>
      )}
      {channels.size === 0 ? (
        <NoChannel />
      ) : (
        <ConversationList
          view={view}
          channel={channel}
          words={words}
          opened={opened}
          onOpen={onOpen}
        />
      )}
      <TeamFoot />
    </section>
  );
}
