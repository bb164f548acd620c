import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Id, Row, View } from "@omnibox/api";
import { IconAlertCircle, IconCheck, IconUserPlus } from "@tabler/icons-react";
import { memo } from "react";
import { useConversationActions } from "../../app/actions.ts";
import { useHasDraft } from "../../app/drafts.ts";
import { useAgent, useConnectorOf, useDesk, useRow, useTyping } from "../../app/live.ts";
import { Ago } from "../../ui/Ago.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import styles from "./ConversationRow.module.css";
import entry from "./Entry.module.css";
import { StatusMark, Unread, useStatusWords } from "./StatusMark.tsx";
import { statusOf } from "./status.ts";

function Preview({ row, isTyping }: { row: Row; isTyping: boolean }) {
  const { t } = useLingui();
  const hasDraft = useHasDraft(row.id);
  if (isTyping)
    return (
      <span className={styles.typing} title={t`Typing`}>
        <Trans>typing…</Trans>
      </span>
    );
  if (hasDraft)
    return (
      <span className={styles.draft}>
        <Trans>Draft</Trans>
      </span>
    );
  const { last } = row;
  if (!last) return <Trans>No messages yet</Trans>;
  const who = last.kind === "note" ? t`Note:` : last.kind === "outbound" ? t`We:` : "";
  const text = last.text || (last.kind === "line" ? "" : t`File`);
  return (
    <span title={last.text}>
      {who && <span className={styles.who}>{who} </span>}
      {text}
    </span>
  );
}

/** Mouse only: the same actions have keys on the focused row and buttons in the open conversation. */
function RowActions({ row }: { row: Row }) {
  const { t } = useLingui();
  const { me, may } = useDesk();
  const { resolve, reopen, assign } = useConversationActions();
  const mayResolve = may.resolve_any || row.assignee === me.id;
  const isOpen = row.state === "open";
  const label = isOpen ? t`Resolve` : t`Reopen`;
  return (
    <span className={styles.actions} aria-hidden="true">
      {isOpen && row.assignee === null && (
        <button
          type="button"
          tabIndex={-1}
          title={t`Assign to me`}
          data-action="take"
          onClick={() => void assign(row, me.id)}
        >
          <IconUserPlus size={16} />
        </button>
      )}
      {mayResolve && (
        <button
          type="button"
          tabIndex={-1}
          title={label}
          data-action="resolve"
          data-good
          onClick={() => void (isOpen ? resolve(row) : reopen(row))}
        >
          <IconCheck size={16} />
        </button>
      )}
    </span>
  );
}

interface ConversationRowProps {
  id: Id;
  view: View;
  index: number;
  total: number;
  isOpened: boolean;
  isActive: boolean;
  onOpen: (id: Id) => void;
  onFocus: (id: Id) => void;
}

function ConversationRowContent(props: ConversationRowProps) {
  const { id, view, index, total, isOpened, isActive, onOpen, onFocus } = props;
  const row = useRow(id);
  const isTyping = useTyping(id) === "contact";
  const connector = useConnectorOf(row?.channel ?? -1);
  const assignee = useAgent(row?.assignee ?? null);
  const { me } = useDesk();
  const words = useStatusWords();
  if (!row) return null;
  const status = statusOf(row, isTyping);
  const isStrong = status === "new" || row.unread > 0;
  const showsAssignee =
    (view === "all" || view === "resolved") && assignee && assignee.id !== me.id;
  return (
    <div className={styles.row} data-opened={isOpened || undefined} role="presentation">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the listbox answers Enter for its focused option */}
      <div
        role="option"
        id={`row-${id}`}
        aria-selected={isOpened}
        aria-setsize={total}
        aria-posinset={index + 1}
        tabIndex={isActive ? 0 : -1}
        className={styles.option}
        data-row={id}
        onClick={() => onOpen(id)}
        onFocus={() => onFocus(id)}
      >
        <Avatar label={row.contact.label} picture={row.contact.picture} isNew={status === "new"}>
          <StatusMark status={status} hasCount={row.unread > 0} />
          <Unread count={row.unread} />
        </Avatar>
        <span className={entry.body}>
          <span className={entry.line}>
            <bdi className={`clip ${entry.name}`} data-strong={isStrong || undefined}>
              {row.contact.label}
            </bdi>
            <ChannelIcon connector={connector} inList />
            <span className={entry.space} />
            <Ago time={row.last_at} className={entry.time} />
          </span>
          <span className={entry.line}>
            <span className="visually-hidden">{words(status)}. </span>
            {row.unread > 0 && (
              <span className="visually-hidden">
                <Plural value={row.unread} one="# new message." other="# new messages." />{" "}
              </span>
            )}
            <span className={`clip ${styles.preview}`} data-strong={isStrong || undefined}>
              <Preview row={row} isTyping={isTyping} />
            </span>
            <span className={entry.space} />
            {row.failed > 0 && (
              <span className={styles.failed}>
                <IconAlertCircle size={14} aria-hidden="true" />
                <span className="visually-hidden">
                  <Trans>A message was not sent.</Trans>
                </span>
              </span>
            )}
            {status === "new" && (
              <span className={styles.pill} aria-hidden="true">
                <Trans>New</Trans>
              </span>
            )}
            {showsAssignee && (
              <span title={assignee.name} className={styles.assignee}>
                <Avatar label={assignee.name} size="s" />
                <span className="visually-hidden">
                  <Trans>Assigned to {assignee.name}</Trans>
                </span>
              </span>
            )}
          </span>
        </span>
      </div>
      <RowActions row={row} />
    </div>
  );
}

export const ConversationRow = memo(ConversationRowContent);
