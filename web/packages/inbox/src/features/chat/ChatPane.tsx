import { useLingui } from "@lingui/react/macro";
import type { Id } from "@omnibox/api";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useConversationActions } from "../../app/actions.ts";
import { takeDraftAlong } from "../../app/drafts.ts";
import { useRow, useThread } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { useKeys } from "../../ui/keys.ts";
import { Failed, Patient } from "../../ui/States.tsx";
import { ChatHeader, useMayResolve } from "./ChatHeader.tsx";
import styles from "./ChatPane.module.css";
import { Composer, type ComposerDoor } from "./Composer.tsx";
import { Log } from "./Log.tsx";
import { Related } from "./Related.tsx";

interface ChatPaneProps {
  id: Id;
  /** Changes with each wish to write here; null for none. */
  focusTurn: number | null;
  /** The message that was searched for; null: the latest is shown. */
  sought: Id | null;
  hasCard: boolean;
  onCard: () => void;
  onBack: (() => void) | null;
}

function Opened({ id, focusTurn, sought, ...header }: ChatPaneProps) {
  const row = useRow(id);
  const { messages } = useThread(id);
  const composer = useRef<ComposerDoor>(null);
  const { resolve, reopen } = useConversationActions();
  const mayResolve = useMayResolve(row);

  useEffect(() => {
    if (focusTurn !== null) composer.current?.focus(null);
  }, [focusTurn]);

  useKeys({
    r: () => composer.current?.focus("reply"),
    n: () => composer.current?.focus("note"),
    e: () => {
      if (row && mayResolve) void (row.state === "open" ? resolve(row) : reopen(row));
    },
    "]": header.onCard,
    Escape: header.onBack ?? undefined,
  });

  if (!row) return null;
  return (
    <>
      <ChatHeader row={row} {...header} />
      {row.related !== null && <Related row={row} related={row.related} />}
      <Log row={row} sought={sought} onEdit={(pending) => composer.current?.restore(pending)} />
      <Composer row={row} messages={messages} door={composer} />
    </>
  );
}

/** One conversation: who, what was said, and what to say. */
export function ChatPane(props: ChatPaneProps) {
  const { t } = useLingui();
  const { sync } = useServices();
  const { id } = props;
  const navigate = useNavigate();
  const row = useRow(id);
  const isKnown = row !== undefined;
  const into = row?.merged_into ?? null;
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks again
  useEffect(() => {
    if (!isKnown) sync.loadRow(id).then(() => setError(null), setError);
  }, [sync, id, isKnown, attempt]);

  // What was merged is read where it went; words begun here go along.
  useEffect(() => {
    if (into === null) return;
    takeDraftAlong(id, into);
    void navigate({
      to: "/c/$id",
      params: { id: `${into}` },
      search: (old) => old,
      replace: true,
    });
  }, [navigate, id, into]);

  return (
    <section className={styles.pane} aria-label={t`Conversation`}>
      {isKnown && into === null && <Opened key={id} {...props} />}
      {!isKnown && error !== null && (
        <Failed
          what={t`This conversation could not be opened`}
          error={error}
          onRetry={() => setAttempt(attempt + 1)}
        />
      )}
      {!isKnown && error === null && (
        <Patient>
          <div className={styles.blank} />
        </Patient>
      )}
    </section>
  );
}
