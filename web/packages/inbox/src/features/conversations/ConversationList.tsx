import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Id, View } from "@omnibox/api";
import { IconInbox } from "@tabler/icons-react";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, useState } from "react";
import { useConversationActions } from "../../app/actions.ts";
import { useDesk, useList } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { areKeysOn, useKeys } from "../../ui/keys.ts";
import { Empty, Failed, RowSkeletons } from "../../ui/States.tsx";
import styles from "./ConversationList.module.css";
import { ConversationRow } from "./ConversationRow.tsx";
import { useHeld } from "./useHeld.ts";

const ROW_PX = 66;
const AHEAD = 8; // rows before the end at which the next page is fetched

interface ConversationListProps {
  view: View;
  channel: Id | null;
  opened: Id | null;
  onOpen: (id: Id, withFocus: boolean) => void;
}

const emptyText = (view: View) =>
  ({
    mine: <Trans>Nothing is assigned to you.</Trans>,
    unassigned: <Trans>Every open conversation has somebody who looks after it.</Trans>,
    all: <Trans>No open conversation. New messages appear here by themselves.</Trans>,
    resolved: <Trans>Nothing has been resolved yet.</Trans>,
  })[view];

export function ConversationList({ view, channel, opened, onOpen }: ConversationListProps) {
  const { t } = useLingui();
  const { store, sync } = useServices();
  const { me, may } = useDesk();
  const { resolve, reopen } = useConversationActions();
  const list = useList(view, channel);
  const { ids, waiting, hold, release } = useHeld(list.ids, `${view}/${channel}`);

  const scroller = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<Id | null>(null);
  const active = [focused, opened].find((id) => id !== null && ids.includes(id)) ?? ids[0] ?? null;
  const activeIndex = active === null ? -1 : ids.indexOf(active);

  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 6,
    // The row that holds the focus is never unmounted.
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range);
      return activeIndex < 0 || indexes.includes(activeIndex)
        ? indexes
        : [...indexes, activeIndex].sort((one, other) => one - other);
    },
  });

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (list.next !== null && list.status === "ready" && last >= ids.length - AHEAD)
      void sync.loadList(view, channel, true);
  }, [sync, view, channel, list.next, list.status, last, ids.length]);

  const focusRow = useCallback(
    (index: number) => {
      const id = ids[Math.max(0, Math.min(ids.length - 1, index))];
      if (id === undefined) return;
      setFocused(id);
      virtual.scrollToIndex(ids.indexOf(id));
      requestAnimationFrame(() =>
        document.getElementById(`row-${id}`)?.focus({ preventScroll: true }),
      );
    },
    [ids, virtual],
  );

  const isHere = () => scroller.current?.contains(document.activeElement) ?? false;
  const step = (by: number) => focusRow(isHere() || opened !== null ? activeIndex + by : 0);
  const page = () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 1);

  const toggle = () => {
    const row = active === null ? undefined : store.rows.get(active);
    if (!row || !(may.resolve_any || row.assignee === me.id)) return;
    void (row.state === "open" ? resolve(row) : reopen(row));
  };

  useKeys({
    j: () => step(1),
    k: () => step(-1),
  });

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const targets: Record<string, number> = {
      ArrowDown: activeIndex + 1,
      ArrowUp: activeIndex - 1,
      PageDown: activeIndex + page(),
      PageUp: activeIndex - page(),
      Home: 0,
      End: ids.length - 1,
    };
    const target = targets[event.key];
    const isChoice = event.key === "Enter" || event.key === " ";
    if (target !== undefined) focusRow(target);
    else if (isChoice && active !== null) onOpen(active, event.key === "Enter");
    else if (event.key === "e" && areKeysOn()) toggle();
    else return;
    event.preventDefault();
  };

  const openRow = useCallback(
    (id: Id) => {
      release();
      onOpen(id, true);
    },
    [onOpen, release],
  );
  const isFirstLoad = list.status === "loading" && ids.length === 0;
  const isEmpty = list.status === "ready" && ids.length === 0;

  return (
    <div className={styles.frame}>
      {waiting > 0 && (
        <button type="button" className={styles.waiting} onClick={release}>
          <Plural value={waiting} one="# new · show" other="# new · show" />
        </button>
      )}
      <div
        ref={scroller}
        className={styles.scroller}
        onPointerMove={(event) => event.pointerType === "mouse" && hold()}
        onPointerLeave={release}
      >
        {list.status === "failed" && ids.length === 0 && (
          <Failed
            what={t`The list could not be loaded`}
            onRetry={() => void sync.loadList(view, channel)}
          />
        )}
        {isFirstLoad && <RowSkeletons count={10} />}
        {isEmpty && (
          <Empty
            icon={<IconInbox size={22} />}
            title={view === "resolved" ? t`Empty` : t`All caught up`}
            text={emptyText(view)}
          />
        )}
        {ids.length > 0 && (
          <div
            role="listbox"
            aria-label={t`Conversations`}
            className={styles.list}
            style={{ height: virtual.getTotalSize() }}
            onKeyDown={onKeyDown}
          >
            {items.map(({ key, index, start }) => {
              const id = ids[index];
              if (id === undefined) return null;
              return (
                <div
                  key={key}
                  role="presentation"
                  className={styles.item}
                  style={{ transform: `translateY(${start}px)`, height: ROW_PX }}
                >
                  <ConversationRow
                    id={id}
                    view={view}
                    index={index}
                    total={list.next === null ? ids.length : -1}
                    isOpened={id === opened}
                    isActive={id === active}
                    onOpen={openRow}
                    onFocus={setFocused}
                  />
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}
