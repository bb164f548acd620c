import { Trans, useLingui } from "@lingui/react/macro";
import type { Message } from "@omnibox/api";
import { IconLock, IconMail, IconRobot } from "@tabler/icons-react";
import { memo, useState } from "react";
import { useConnectorOf, useDesk } from "../../app/live.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { RichText } from "../../ui/RichText.tsx";
import { clockTime, fullTime } from "../../ui/time.ts";
import { DeliveryTrouble, Tick } from "./Delivery.tsx";
import { Files } from "./Files.tsx";
import styles from "./MessageItem.module.css";

function Body({ message }: { message: Message }) {
  const { t } = useLingui();
  const [isWhole, setWhole] = useState(false);
  const { text, reply_text, is_deleted } = message;
  if (is_deleted)
    return (
      <em className="muted">
        <Trans>This message was deleted.</Trans>
      </em>
    );
  const isFolded = reply_text !== null && reply_text !== text;
  return (
    <>
      <RichText text={isFolded && !isWhole ? reply_text : text} />
      {isFolded && (
        <button
          type="button"
          className={styles.fold}
          aria-expanded={isWhole}
          aria-label={isWhole ? t`Hide quoted text` : t`Show quoted text`}
          onClick={() => setWhole(!isWhole)}
        >
          •••
        </button>
      )}
    </>
  );
}

/** What a letter carries besides its text. */
function Envelope({ message }: { message: Message }) {
  const { subject, recipients, why, doubt } = message;
  const to = recipients?.to.join(", ");
  const cc = recipients?.cc.join(", ");
  if (!subject && !to && !doubt) return null;
  return (
    <div className={styles.envelope}>
      {subject && <p className={styles.subject}>{subject}</p>}
      {to && (
        <p>
          <Trans>To: {to}</Trans>
          {cc && (
            <>
              {" · "}
              <Trans>Cc: {cc}</Trans>
            </>
          )}
        </p>
      )}
      {why && (
        <p>
          <Trans>Why here: {why}</Trans>
        </p>
      )}
      {doubt && (
        <p className={styles.doubt}>
          <Trans>The sender is not certain: {doubt}</Trans>
        </p>
      )}
    </div>
  );
}

function Author({ message, contact }: { message: Message; contact: string }) {
  const { t } = useLingui();
  const { me } = useDesk();
  const { kind, id, name } = message.author;
  if (kind === "agent") return id === me.id ? t`You` : (name ?? t`Agent`);
  if (kind === "bot") return name ?? t`Bot`;
  if (kind === "system") return name ?? t`System`;
  return <bdi>{name ?? contact}</bdi>;
}

function Meta({ message, isLast }: { message: Message; isLast: boolean }) {
  const { i18n } = useLingui();
  const { state, at, edited_at, is_elsewhere, automatic, reactions } = message;
  const isLoud = state === "failed" || state === "uncertain" || state === "queued";
  if (!isLast && !isLoud && !edited_at && reactions.length === 0) return null;
  return (
    <p className={styles.meta}>
      {reactions.length > 0 && <span>{reactions.join(" ")}</span>}
      {automatic && <Trans>automatic</Trans>}
      {is_elsewhere && <Trans>answered outside</Trans>}
      {edited_at && <Trans>edited</Trans>}
      <time dateTime={at} title={fullTime(at, i18n.locale)} className="num">
        {clockTime(at, i18n.locale)}
      </time>
      {state && <Tick state={state} />}
    </p>
  );
}

interface MessageItemProps {
  message: Message;
  isFirst: boolean;
  isLast: boolean;
  contact: string;
  homeChannel: number;
}

function MessageItemContent({ message, isFirst, isLast, contact, homeChannel }: MessageItemProps) {
  const { t, i18n } = useLingui();
  const connector = useConnectorOf(message.channel);
  const { kind, author } = message;
  if (kind === "line")
    return (
      <p className={styles.system}>
        {message.text} ·{" "}
        <time dateTime={message.at} title={fullTime(message.at, i18n.locale)}>
          {clockTime(message.at, i18n.locale)}
        </time>
      </p>
    );
  const hasBubble = Boolean(message.text || message.is_deleted || message.subject);
  return (
    <article
      className={styles.message}
      data-kind={kind}
      data-first={isFirst || undefined}
      data-message={message.id}
      data-bot={author.kind === "bot" || undefined}
    >
      {isFirst && (
        <p className={styles.author}>
          {kind === "note" && <IconLock size={12} aria-hidden="true" />}
          {author.kind === "bot" && <IconRobot size={13} aria-hidden="true" />}
          {message.has_html && <IconMail size={13} aria-hidden="true" />}
          <Author message={message} contact={contact} />
          {kind === "note" && <span className={styles.word}>{t`Note`}</span>}
          {kind === "inbound" && <ChannelIcon connector={connector} inList size={12} />}
          {kind === "outbound" && message.channel !== homeChannel && connector && (
            <span className={styles.word}>{t`by ${connector.title}`}</span>
          )}
        </p>
      )}
      {hasBubble && (
        <div className={styles.bubble}>
          <Envelope message={message} />
          <Body message={message} />
        </div>
      )}
      <Files files={message.attachments} />
      <Meta message={message} isLast={isLast} />
      <DeliveryTrouble message={message} />
    </article>
  );
}

export const MessageItem = memo(MessageItemContent);
