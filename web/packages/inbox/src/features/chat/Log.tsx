import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Id, Message, Row } from "@omnibox/api";
import { IconArrowDown } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { usePending, useThread, useTyping } from "../../app/live.ts";
import { onArrivals, useServices } from "../../app/services.ts";
import type { Pending } from "../../store/pending.ts";
import { Empty, Failed, Patient } from "../../ui/States.tsx";
import { dayOf, useNow } from "../../ui/time.ts";
import { firstUnreadOf, type Item, itemsOf } from "./items.ts";
import styles from "./Log.module.css";
import { MessageItem } from "./MessageItem.tsx";
import { PendingItem } from "./PendingItem.tsx";

const ESTIMATE_PX = 64;
const NEAR_TOP = 5; // items
const NEAR_END_PX = 80;

const isVisible = () => document.visibilityState === "visible" && document.hasFocus();

/** Says new messages to screen readers; history and own words load silently. */
function Announcer({ id }: { id: Id }) {
  const { t } = useLingui();
  const [words, setWords] = useState("");
  useEffect(
    () =>
      onArrivals((events) => {
        const fresh: Message[] = events.flatMap((event) =>
          event.type === "message.added" &&
          event.message.conversation === id &&
          event.message.kind === "inbound"
            ? [event.message]
            : [],
        );
        const last = fresh.at(-1);
        if (!last) return;
        const name = last.author.name ?? "";
        const count = fresh.length;
        setWords(count > 1 ? t`${count} new messages from ${name}` : `${name}: ${last.text}`);
      }),
    [id, t],
  );
  return (
    <div className="visually-hidden" role="status">
      {words}
    </div>
  );
}

function Day({ at }: { at: string }) {
  const { i18n } = useLingui();
  const words = useNow((now) => dayOf(at, now, i18n.locale));
  return (
    <p className={styles.day}>
      <span>{words}</span>
    </p>
  );
}

const Bubbles = () => (
  <Patient>
    <div className={styles.bubbles} aria-hidden="true">
      {[52, 38, 61, 44, 30].map((width, index) => (
        <span key={width} data-mine={index % 2 === 1 || undefined} style={{ width: `${width}%` }} />
      ))}
    </div>
  </Patient>
);

function Top({ id }: Pick<Row, "id">) {
  const { sync } = useServices();
  const { older, next } = useThread(id);
  if (older === "failed")
    return (
      <button type="button" className={styles.older} onClick={() => void sync.loadOlder(id)}>
        <Trans>Earlier messages could not be loaded · Retry</Trans>
      </button>
    );
  if (next === null) return null;
  return (
    <p className={styles.older} data-quiet>
      <Trans>Loading earlier messages…</Trans>
    </p>
  );
}

interface LogProps {
  row: Row;
  /** A message to show and mark, wherever it stands; null: the end. */
  sought: Id | null;
  onEdit: (pending: Pending) => void;
}

export function Log({ row, sought, onEdit }: LogProps) {
  const { t } = useLingui();
  const { api, sync } = useServices();
  const { id, channel } = row;
  const contact = row.contact.label;
  const thread = useThread(id);
  const pending = usePending(id);
  const typing = useTyping(id);
  const { messages, status, next, older } = thread;

  // The line of the first unread stays where it was when the conversation was opened.
  const [unreadAtOpening] = useState(row.unread);
  const firstUnread = useRef<Id | null | undefined>(undefined);
  if (firstUnread.current === undefined && status === "ready")
    firstUnread.current = firstUnreadOf(messages, unreadAtOpening);
  const items = useMemo(
    () => itemsOf(messages, pending, firstUnread.current ?? null),
    [messages, pending],
  );

  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATE_PX,
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 8,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: NEAR_END_PX,
    paddingStart: 40,
    paddingEnd: 16,
  });

  const wasAtEnd = useRef(isAtEnd);
  useEffect(() => {
    wasAtEnd.current = isAtEnd;
  }, [isAtEnd]);
  const isReady = status === "ready";
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the messages are there
  useEffect(() => {
    if (isReady && sought === null) virtual.scrollToEnd();
  }, [isReady]);

  // Pages come until the message sought is among them; then it is shown, once for each time it is sought.
  const shown = useRef<Id | null>(null);
  const soughtIndex = items.findIndex(
    (item) => item.kind === "message" && item.message.id === sought,
  );
  useEffect(() => {
    if (!isReady || sought === null || shown.current === sought) return;
    if (soughtIndex >= 0) {
      shown.current = sought;
      wasAtEnd.current = false;
      virtual.scrollToIndex(soughtIndex, { align: "center" });
    } else if (next === null || next <= sought) {
      shown.current = sought;
      virtual.scrollToEnd();
    } else if (older === "idle") void sync.loadOlder(id);
  }, [sync, virtual, id, isReady, sought, soughtIndex, next, older]);

  // A composer that grows takes room from the log: its end stays in view.
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const watch = new ResizeObserver(() => {
      if (wasAtEnd.current) box.scrollTop = box.scrollHeight;
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, []);

  const first = virtual.getVirtualItems()[0]?.index;
  useEffect(() => {
    if (isReady && next !== null && older === "idle" && first !== undefined && first < NEAR_TOP)
      void sync.loadOlder(id);
  }, [sync, id, isReady, next, older, first]);

  const lastInbound = useMemo(
    () => messages.findLast(({ kind }) => kind === "inbound")?.id ?? null,
    [messages],
  );
  useEffect(() => {
    const read = () => {
      if (isAtEnd && row.unread > 0 && lastInbound !== null && isVisible())
        api.read(id, lastInbound).catch(() => undefined); // the next look tells it again
    };
    read();
    window.addEventListener("focus", read);
    return () => window.removeEventListener("focus", read);
  }, [api, id, row.unread, lastInbound, isAtEnd]);

  const onScroll = () => {
    const box = scroller.current;
    if (box) setAtEnd(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX);
  };

  const draw = (item: Item) => {
    if (item.kind === "pending") return <PendingItem pending={item.pending} onEdit={onEdit} />;
    const { message, startsDay, startsNew, isFirst, isLast } = item;
    return (
      <>
        {startsDay && <Day at={message.at} />}
        {startsNew && (
          <p className={styles.new}>
            <span>
              <Trans>New</Trans>
            </span>
          </p>
        )}
        <MessageItem
          message={message}
          isFirst={isFirst}
          isLast={isLast}
          contact={contact}
          homeChannel={channel}
        />
      </>
    );
  };

  return (
    <div className={styles.frame}>
      <Announcer id={id} />
      <div ref={scroller} className={styles.scroller} onScroll={onScroll}>
        {status === "failed" && messages.length === 0 && (
          <Failed
            what={t`The messages could not be loaded`}
            onRetry={() => void sync.loadThread(id)}
          />
        )}
        {status === "loading" && items.length === 0 && <Bubbles />}
        {isReady && items.length === 0 && <Empty title={t`Write the first message`} />}
        <div
          role="log"
          aria-live="off"
          aria-label={t`Messages with ${contact}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard
          tabIndex={0}
          className={styles.log}
          style={{ height: virtual.getTotalSize() }}
        >
          {isReady && items.length > 0 && <Top id={id} />}
          {virtual.getVirtualItems().map(({ key, index, start }) => {
            const item = items[index];
            return (
              item && (
                <div
                  key={key}
                  data-index={index}
                  ref={virtual.measureElement}
                  className={styles.item}
                  data-found={(sought !== null && index === soughtIndex) || undefined}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  {draw(item)}
                </div>
              )
            );
          })}
        </div>
      </div>
      {typing === "contact" && (
        <p className={styles.typing}>
          <i />
          <i />
          <i />
          <span>
            <Trans>{contact} is typing</Trans>
          </span>
        </p>
      )}
      {!isAtEnd && (
        <button type="button" className={styles.jump} onClick={() => virtual.scrollToEnd()}>
          <IconArrowDown size={14} aria-hidden="true" />
          {row.unread > 0 ? (
            <Plural value={row.unread} one="# new message" other="# new messages" />
          ) : (
            <Trans>Latest messages</Trans>
          )}
        </button>
      )}
    </div>
  );
}
