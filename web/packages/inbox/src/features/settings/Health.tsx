import { Trans, useLingui } from "@lingui/react/macro";
import type { ChannelState, Health } from "@omnibox/api";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useCodeWords } from "../../ui/reasons.ts";
import { dateAndTime } from "../../ui/time.ts";
import styles from "./Health.module.css";

/** Shape, colour and word. */
export function StateDot({ state, health }: { state: ChannelState; health: Health }) {
  const { t } = useLingui();
  const tone = state === "active" && health.code ? "paused" : state;
  const words = {
    draft: t`Draft`,
    active: t`Active`,
    paused: t`Needs attention`,
    disabled: t`Off`,
  }[tone];
  return (
    <span className={styles.state} data-state={tone}>
      <i aria-hidden="true" />
      {words}
    </span>
  );
}

/** Why a connection does not work, since when, with what helps; nothing while it does. */
export function HealthBanner({
  health,
  name = "",
  children,
}: {
  health: Health;
  /** Of the channel it is about, where that has to be said. */
  name?: string;
  children?: ReactNode;
}) {
  const { i18n } = useLingui();
  const words = useCodeWords();
  if (!health.code) return null;
  const said = words(health.code, health.why);
  const more = health.why?.startsWith(said) ? health.why.slice(said.length).trim() : health.why;
  return (
    <div className={styles.banner} role="alert">
      <IconAlertTriangle size={18} aria-hidden="true" />
      <div>
        <p>
          {name && <strong>{name}: </strong>}
          {said}
        </p>
        {more && <p className={styles.facts}>{more}</p>}
        <p className={styles.facts}>
          {health.since && (
            <>
              <Trans>Since {dateAndTime(health.since, i18n.locale)}</Trans> ·{" "}
            </>
          )}
          {health.is_down && (
            <>
              <Trans>Nothing is lost: replies wait and leave when it works again.</Trans> ·{" "}
            </>
          )}
          {health.is_deaf && (
            <>
              <Trans>Messages do not arrive now; they are fetched as soon as it works again.</Trans>{" "}
              ·{" "}
            </>
          )}
          <code>{health.code}</code>
        </p>
        {children && <div className={styles.cure}>{children}</div>}
      </div>
    </div>
  );
}
