import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Row } from "@omnibox/api";
import { IconAlertTriangle, IconCheck, IconClock, IconLock } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useChannel, useDesk } from "../../app/live.ts";
import { useCodeWords } from "../../ui/reasons.ts";
import { dateAndTime, span } from "../../ui/time.ts";
import styles from "./Composer.module.css";
import type { Gate } from "./policy.ts";
import { isHalted } from "./policy.ts";

const Notice = ({
  tone,
  icon,
  children,
}: {
  tone: string;
  icon: ReactNode;
  children: ReactNode;
}) => (
  <p className={styles.notice} data-tone={tone} role="status">
    {icon}
    <span>{children}</span>
  </p>
);

interface NoticesProps {
  row: Row;
  gate: Gate;
  isNote: boolean;
  parts: number;
  hasHidden: boolean;
  elsewhere: ReactNode;
}

/** Everything the agent should know before the reply leaves. */
export function Notices({ row, gate, isNote, parts, hasHidden, elsewhere }: NoticesProps) {
  const { i18n } = useLingui();
  const words = useCodeWords();
  const channel = useChannel(row.channel);
  const { may } = useDesk();
  const open = gate.kind === "open" ? gate : null;
  const left = open?.endsInMs ? span(open.endsInMs, i18n.locale) : null;
  const way = open?.way ?? null;
  const laterWay = open?.afterwards?.way ?? null;
  const laterUntil = open?.afterwards
    ? dateAndTime(new Date(open.afterwards.untilMs).toISOString(), i18n.locale)
    : null;
  const lacks = gate.kind === "closed" ? gate.lacks : null;
  return (
    <>
      {!isNote && gate.kind === "closed" && (
        <Notice tone="warning" icon={<IconLock size={14} />}>
          {words(gate.code, gate.why)}{" "}
          <Trans>A new message of the customer opens it again. You can write a note.</Trans>{" "}
          {lacks && (
            <Trans>
              With {lacks}, people could still answer: it is switched on in the channel's settings
              once the platform has approved it.
            </Trans>
          )}
          {elsewhere}
        </Notice>
      )}
      {!isNote && isHalted(channel) && (
        <Notice tone="warning" icon={<IconAlertTriangle size={14} />}>
          <Trans>This channel is paused; replies wait.</Trans>{" "}
          {channel?.health.code && words(channel.health.code, channel.health.why)}{" "}
          {may.settings && channel && (
            <Link
              to="/settings/channels/$connection"
              params={{ connection: `${channel.connection}` }}
            >
              <Trans>Channel settings</Trans>
            </Link>
          )}
        </Notice>
      )}
      {!isNote && left && (
        <Notice tone={open?.isEnding ? "warning" : "muted"} icon={<IconClock size={14} />}>
          <Trans>Reply window ends in {left}</Trans>
          {way && (
            <>
              {". "}
              <Trans>Sent with {way}: for words of a person, never of a machine.</Trans>
            </>
          )}
          {laterWay && laterUntil && (
            <>
              {". "}
              <Trans>
                Then with {laterWay} until {laterUntil}
              </Trans>
            </>
          )}
        </Notice>
      )}
      {!isNote && row.state === "resolved" && gate.kind === "open" && (
        <Notice tone="muted" icon={<IconCheck size={14} />}>
          <Trans>This conversation is resolved.</Trans>
        </Notice>
      )}
      {!isNote && parts > 1 && (
        <Notice tone="muted" icon={<IconClock size={14} />}>
          <Plural value={parts} one="Leaves as # message" other="Leaves as # messages" />
        </Notice>
      )}
      {hasHidden && (
        <Notice tone="warning" icon={<IconLock size={14} />}>
          <Trans>This looks like a card number. It is hidden before it is sent.</Trans>
        </Notice>
      )}
    </>
  );
}
