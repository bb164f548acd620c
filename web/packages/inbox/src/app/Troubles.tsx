import { Plural, Trans } from "@lingui/react/macro";
import type { Channel } from "@omnibox/api";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link, useLocation } from "@tanstack/react-router";
import { useCodeWords } from "../ui/reasons.ts";
import { useDesk } from "./live.ts";
import styles from "./Shell.module.css";

const weight = ({ health }: Channel): number => Number(health.is_down) * 2 + Number(health.is_deaf);

/** The channels that do not serve in full, the worst first. Warnings are for who can do something about them. */
export const troubled = (channels: Iterable<Channel>, isAdmin: boolean): Channel[] =>
  [...channels]
    .filter(({ state }) => state === "active" || state === "paused")
    .filter(({ health }) => health.code !== null && (isAdmin || health.is_down || health.is_deaf))
    .sort((a, b) => weight(b) - weight(a) || a.id - b.id);

/** Above every page, while a channel needs somebody: which one, what is wrong, and the way to the cure. */
export function Troubles() {
  const { channels, may } = useDesk();
  const words = useCodeWords();
  const page = useLocation({ select: ({ pathname }) => pathname });
  const found = troubled(channels.values(), may.settings).filter(
    ({ connection }) => page !== `/settings/channels/${connection}`, // which says it itself
  );
  const first = found[0];
  if (!first) return null;
  const { health } = first;
  return (
    <div className={styles.bar} data-trouble role="status">
      <IconAlertTriangle size={16} aria-hidden="true" />
      <span className={styles.trouble}>
        <strong>{first.name}</strong>: {words(health.code, health.why)}{" "}
        {health.is_down && <Trans>Replies wait.</Trans>}
      </span>
      {found.length > 1 && (
        <span className={`muted ${styles.more}`}>
          <Plural value={found.length - 1} one="and # more" other="and # more" />
        </span>
      )}
      {may.settings && (
        <Link
          className={styles.reload}
          to="/settings/channels/$connection"
          params={{ connection: `${first.connection}` }}
        >
          <Trans>Channel settings</Trans>
        </Link>
      )}
    </div>
  );
}
