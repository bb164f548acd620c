import { Trans, useLingui } from "@lingui/react/macro";
import type { Message } from "@omnibox/api";
import { IconLock, IconMail, IconRobot, IconRoute } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { memo, type ReactNode, useState } from "react";
import { useConnectorOf, useDesk } from "../../app/live.ts";
import { useRearranging } from "../../app/rearranging.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { RichText } from "../../ui/RichText.tsx";
import { clockTime, fullTime } from "../../ui/time.ts";
import { DeliveryTrouble, Tick } from "./Delivery.tsx";
import { Edited } from "./Edited.tsx";
import { Files, isPicture } from "./Files.tsx";
import styles from "./MessageItem.module.css";
import { MessageMenu } from "./MessageMenu.tsx";
import { ChosenFrom, Offered } from "./Offered.tsx";
import { Original } from "./Original.tsx";
import { rearrangementOf, useLineWords, useWhy } from "./why.ts";

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

const ConversationLink = ({ id, children }: { id: number; children: ReactNode }) => (
  <Link to="/c/$id" params={{ id: `${id}` }} search={(old) => old}>
    {children}
  </Link>
);

/** History: what was rearranged, by whom; it leads to the other conversation, and back. */
function Line({ message }: { message: Message }) {
  const { t, i18n } = useLingui();
  const { me } = useDesk();
  const { undo } = useRearranging();
  const lineWords = useLineWords();
  const { at, author, related, why, conversation } = message;
  const who = author.id === me.id ? t`You` : (author.name ?? t`Agent`);
  const number = rearrangementOf(message);
  return (
    <p className={styles.system}>
      {lineWords(message, who)}
      {related !== null && why !== "merged" && (
        <>
          {" · "}
          <ConversationLink id={related}>
            <Trans>Open it</Trans>
          </ConversationLink>
        </>
      )}
      {number !== null && (
        <>
          {" · "}
          <button
            type="button"
            className={styles.undo}
            onClick={() => void undo(number, conversation)}
          >
            <Trans>Undo</Trans>
          </button>
        </>
      )}
      {" · "}
      <time dateTime={at} title={fullTime(at, i18n.locale)}>
        {clockTime(at, i18n.locale)}
      </time>
    </p>
  );
}

/** What a letter carries besides its text. */
function Envelope({ message }: { message: Message }) {
  const { subject, recipients, related, doubt } = message;
  const why = useWhy()(message);
  const isApart = message.why === "stranger" || message.why === "unverified";
  const other = related === message.conversation ? null : related;
  const to = recipients?.to.join(", ");
  const cc = recipients?.cc.join(", ");
  if (!subject && !to && !cc && !doubt && !why) return null;
  return (
    <div className={styles.envelope}>
      {subject && <p className={styles.subject}>{subject}</p>}
      {(to || cc) && (
        <p>
          {to && <Trans>To: {to}</Trans>}
          {to && cc && " · "}
          {cc && <Trans>Cc: {cc}</Trans>}
        </p>
      )}
      {doubt && (
        <p className={styles.doubt}>
          <Trans>The sender is not certain: {doubt}</Trans>
        </p>
      )}
      {why && (
        <p className={styles.why}>
          <IconRoute size={12} aria-hidden="true" />
          <span>
            {why}
            {other !== null && (
              <>
                {" · "}
                <ConversationLink id={other}>
                  {isApart ? (
                    <Trans>Open it</Trans>
                  ) : (
                    <Trans>it also names conversation {other}</Trans>
                  )}
                </ConversationLink>
              </>
            )}
          </span>
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
      {edited_at && <Edited message={message} />}
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
  const { t } = useLingui();
  const connector = useConnectorOf(message.channel);
  const [wantsOriginal, setWantsOriginal] = useState(false);
  const { kind, author } = message;
  if (kind === "line") return <Line message={message} />;
  const hasOriginal = message.has_html && !message.is_deleted;
  const isLaidOut = hasOriginal && wantsOriginal;
  const hasBubble = Boolean(message.text || message.is_deleted || message.subject || hasOriginal);
  // The frame shows the pictures of the text where they belong.
  const files = isLaidOut
    ? message.attachments.filter((file) => !(file.is_inline && isPicture(file)))
    : message.attachments;
  return (
    <article
      className={styles.message}
      data-kind={kind}
      data-first={isFirst || undefined}
      data-message={message.id}
      data-original={isLaidOut || undefined}
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
        <div className={styles.row}>
          <div className={styles.bubble}>
            <Envelope message={message} />
            {isLaidOut ? (
              <Original message={message} from={author.name ?? contact} />
            ) : (
              <Body message={message} />
            )}
            {hasOriginal && (
              <button
                type="button"
                className={styles.toggle}
                onClick={() => setWantsOriginal(!wantsOriginal)}
              >
                {isLaidOut ? <Trans>Show text</Trans> : <Trans>Show original</Trans>}
              </button>
            )}
          </div>
          <MessageMenu message={message} />
        </div>
      )}
      {message.offer && <Offered message={message} offer={message.offer} />}
      {message.chosen && <ChosenFrom message={message} chosen={message.chosen} />}
      <Files files={files} />
      <Meta message={message} isLast={isLast} />
      <DeliveryTrouble message={message} />
    </article>
  );
}

export const MessageItem = memo(MessageItemContent);
