import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { FoundHit, Id } from "@omnibox/api";
import { IconCheck, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { type Ref, useEffect, useRef, useState } from "react";
import { useConnectorOf } from "../../app/live.ts";
import { hideCards } from "../../app/masking.ts";
import { useServices } from "../../app/services.ts";
import { Ago } from "../../ui/Ago.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { Empty, Failed, RowSkeletons } from "../../ui/States.tsx";
import entry from "./Entry.module.css";
import styles from "./SearchResults.module.css";

const PAUSE_MS = 200; // in typing, before the server is asked

interface SearchResultsProps {
  words: string;
  opened: Id | null;
  list: Ref<HTMLDivElement>;
  onOpen: (id: Id, withFocus: boolean, message?: Id) => void;
  /** The way back up, out of the list. */
  onLeave: () => void;
}

function useSettled(words: string): string {
  const [settled, setSettled] = useState(words);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(words), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [words]);
  return settled;
}

/** Card numbers are hidden before they stand in an address. */
function useSearch(words: string) {
  const { api } = useServices();
  const q = hideCards(words.trim());
  return useInfiniteQuery({
    queryKey: ["search", q],
    queryFn: ({ pageParam }) => api.search(q, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    staleTime: 2_000,
    gcTime: 60_000,
    enabled: q !== "",
  });
}

function Where({ hit }: { hit: FoundHit }) {
  const { t } = useLingui();
  const where = { subject: t`Subject:`, file: t`File:`, contact: t`Contact:`, text: "" }[hit.where];
  const who = hit.kind === "note" ? t`Note:` : hit.kind === "outbound" ? t`We:` : "";
  const words = where || who;
  return words ? <span className={styles.where}>{words} </span> : null;
}

interface ResultProps {
  hit: FoundHit;
  isOpened: boolean;
  isFirst: boolean;
  onOpen: () => void;
}

function Result({ hit, isOpened, isFirst, onOpen }: ResultProps) {
  const { contact, channel, state } = hit.conversation;
  const connector = useConnectorOf(channel);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox answers Enter for its focused option
    <div
      role="option"
      aria-selected={isOpened}
      tabIndex={isOpened || isFirst ? 0 : -1}
      className={styles.result}
      data-found-message={hit.message}
      onClick={onOpen}
    >
      <Avatar label={contact.label} picture={contact.picture} />
      <span className={entry.body}>
        <span className={entry.line}>
          <bdi className={`clip ${entry.name}`}>{contact.label}</bdi>
          <ChannelIcon connector={connector} inList />
          <span className={entry.space} />
          {state === "resolved" && (
            <span className={styles.resolved}>
              <IconCheck size={13} aria-hidden="true" />
              <span className="visually-hidden">
                <Trans>Resolved</Trans>
              </span>
            </span>
          )}
          <Ago time={hit.at} className={entry.time} />
        </span>
        <span className={styles.excerpt}>
          <Where hit={hit} />
          {hit.excerpt.map(({ text, is_match }, index) =>
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text, in its order
            is_match ? <mark key={index}>{text}</mark> : text,
          )}
        </span>
      </span>
    </div>
  );
}

/** Asks for the next page while its place is in view. */
function More({ onSeen, turn }: { onSeen: () => void; turn: number }) {
  const place = useRef<HTMLParagraphElement>(null);
  const ask = useRef(onSeen);
  useEffect(() => {
    ask.current = onSeen;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each page the place is looked at anew
  useEffect(() => {
    if (!place.current) return;
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && ask.current());
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [turn]);
  return (
    <p ref={place} className={styles.foot}>
      <Trans>Looking further back…</Trans>
    </p>
  );
}

/** What was found in all conversations of all time, the newest first; then where less of a word fits. */
export default function SearchResults({
  words,
  opened,
  list,
  onOpen,
  onLeave,
}: SearchResultsProps) {
  const { t } = useLingui();
  const settled = useSettled(words);
  const search = useSearch(settled);
  const pages = search.data?.pages ?? [];
  const hits = pages.flatMap((page) => page.hits);
  const count = hits.length;
  const headings = {
    word: null,
    beginning: t`Beginnings of words`,
    part: t`Inside words`,
  };
  const isComplete = pages.at(-1)?.is_complete ?? true;
  const isOver = search.isSuccess && !search.hasNextPage && !search.isPlaceholderData;
  const typed = words.trim();

  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const options = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=option]")];
    const at = options.indexOf(document.activeElement as HTMLElement);
    const targets: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: options.length - 1,
    };
    const target = targets[event.key];
    if (event.key === "Escape" || target === -1) onLeave();
    else if (target !== undefined) options[Math.min(target, options.length - 1)]?.focus();
    else if (event.key === "Enter" || event.key === " ") options[at]?.click();
    else return;
    event.preventDefault();
  };

  return (
    <div className={styles.scroller}>
      <div className="visually-hidden" role="status">
        {isOver && (
          <Plural value={count} one="# conversation found" other="# conversations found" />
        )}
      </div>
      {search.isFetching && !search.isFetchingNextPage && count > 0 && (
        <div className={styles.progress} aria-hidden="true" />
      )}
      {search.isError && count === 0 && (
        <Failed
          what={t`The search did not work`}
          error={search.error}
          onRetry={() => void search.refetch()}
        />
      )}
      {count === 0 && search.isFetching && <RowSkeletons count={6} />}
      {isOver && count === 0 && (
        <Empty
          icon={<IconSearch size={22} />}
          title={t`Nothing found`}
          text={
            <Trans>
              No conversation has all of “{typed}”. Try fewer words. Words of one or two letters are
              found only whole.
            </Trans>
          }
        />
      )}
      {count > 0 && (
        <div
          ref={list}
          role="listbox"
          aria-label={t`Search results`}
          className={styles.list}
          onKeyDown={onKeyDown}
        >
          {hits.map((hit, index) => (
            <div key={hit.conversation.id} role="presentation">
              {headings[hit.match] !== null && hits[index - 1]?.match !== hit.match && (
                <p className={styles.divider} role="presentation">
                  {headings[hit.match]}
                </p>
              )}
              <Result
                hit={hit}
                isOpened={hit.conversation.id === opened}
                isFirst={index === 0}
                onOpen={() => onOpen(hit.conversation.id, false, hit.message)}
              />
            </div>
          ))}
        </div>
      )}
      {search.hasNextPage && !search.isPlaceholderData && (
        <More turn={pages.length} onSeen={() => void search.fetchNextPage()} />
      )}
      {search.isFetchNextPageError && (
        <button type="button" className={styles.retry} onClick={() => void search.fetchNextPage()}>
          <Trans>More could not be loaded · Retry</Trans>
        </button>
      )}
      {!isComplete && (
        <p className={styles.foot} role="status">
          <Trans>Older messages are still being made searchable.</Trans>
        </p>
      )}
    </div>
  );
}
