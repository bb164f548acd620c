import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import type { Id, View } from "@omnibox/api";
import { IconFilter, IconSearch, IconX } from "@tabler/icons-react";
import { lazy, Suspense, useRef } from "react";
import { useCounts, useDesk } from "../../app/live.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { useKeys } from "../../ui/keys.ts";
import { RowSkeletons } from "../../ui/States.tsx";
import { AgentHeader, TeamFoot } from "./AgentHeader.tsx";
import { ConversationList } from "./ConversationList.tsx";
import styles from "./ListPane.module.css";
import { NoChannel } from "./NoChannel.tsx";

const MOST_TYPED = 400;
const SearchResults = lazy(() => import("./SearchResults.tsx"));

interface ListPaneProps {
  view: View;
  channel: Id | null;
  opened: Id | null;
  /** What is searched for; empty: the view is shown. */
  words: string;
  onWords: (words: string) => void;
  onView: (view: View) => void;
  onChannel: (channel: Id | null) => void;
  onOpen: (id: Id, withFocus: boolean, message?: Id) => void;
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
      <Menu.Dropdown mah="70dvh" style={{ overflowY: "auto" }}>
        <Menu.Item onClick={() => onChannel(null)}>
          <Trans>All channels</Trans>
        </Menu.Item>
        {[...channels.values()].map((one) => (
          <Menu.Item
            key={one.id}
            aria-current={one.id === channel || undefined}
            leftSection={<ChannelIcon connector={connectors.get(one.connector)} />}
            rightSection={
              <span className="muted" aria-hidden="true">
                {connectors.get(one.connector)?.title}
              </span>
            }
            onClick={() => onChannel(one.id)}
          >
            {one.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function ListPane(props: ListPaneProps) {
  const { view, channel, opened, words, onWords, onView, onChannel, onOpen } = props;
  const { t } = useLingui();
  const { channels, connectors } = useDesk();
  const field = useRef<HTMLInputElement>(null);
  const filter = channel === null ? undefined : channels.get(channel);
  const filterName = filter?.name ?? "";
  const results = useRef<HTMLDivElement>(null);
  const isSearching = words.trim() !== "";
  const leave = () => {
    onWords("");
    field.current?.blur();
  };
  useKeys({ "/": () => field.current?.select() });

  const onFieldKey = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const first = results.current?.querySelector<HTMLElement>("[role=option]");
    if (event.key === "Escape") leave();
    else if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Enter") first?.click();
    else return;
    event.preventDefault();
  };

  return (
    <section className={styles.pane} aria-label={t`Conversations`}>
      {opened === null && <h1 className="visually-hidden">{t`Conversations`}</h1>}
      <AgentHeader />
      {!isSearching && <Views view={view} onView={onView} />}
      <div className={styles.tools}>
        <search className={styles.search}>
          <IconSearch size={15} aria-hidden="true" />
          <input
            ref={field}
            value={words}
            type="search"
            enterKeyHint="search"
            autoComplete="off"
            maxLength={MOST_TYPED}
            aria-label={t`Search all conversations`}
            placeholder={t`Search all conversations`}
            onChange={(event) => onWords(event.currentTarget.value)}
            onKeyDown={onFieldKey}
          />
          {isSearching && (
            <button
              type="button"
              className={styles.clear}
              aria-label={t`Clear the search`}
              onClick={leave}
            >
              <IconX size={14} />
            </button>
          )}
        </search>
        {!isSearching && <ChannelFilter channel={channel} onChannel={onChannel} />}
      </div>
      {filter && !isSearching && (
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
      {isSearching ? (
        <Suspense fallback={<RowSkeletons count={6} />}>
          <SearchResults
            words={words}
            opened={opened}
            list={results}
            onOpen={onOpen}
            onLeave={() => field.current?.focus()}
          />
        </Suspense>
      ) : channels.size === 0 ? (
        <NoChannel />
      ) : (
        <ConversationList view={view} channel={channel} opened={opened} onOpen={onOpen} />
      )}
      <TeamFoot />
    </section>
  );
}
