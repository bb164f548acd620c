import { useLingui } from "@lingui/react/macro";
import styles from "./StatusMark.module.css";
import type { Status } from "./status.ts";

export function useStatusWords(): (status: Status) => string {
  const { t } = useLingui();
  return (status) =>
    ({
      left: t`Left the website`,
      typing: t`Typing`,
      new: t`New chat, no answer yet`,
      unread: t`New messages`,
      active: t`Active, nothing new`,
      idle: t`Not in conversation`,
    })[status];
}

/** The figure of new messages in the avatar's corner, beside whichever status applies. */
export function Unread({ count }: { count: number }) {
  if (count < 1) return null;
  return (
    <span className={styles.count} aria-hidden="true">
      {count > 99 ? "99+" : count}
    </span>
  );
}

/** Each status has a shape of its own; words say it to everyone else. */
export function StatusMark({ status, hasCount }: { status: Status; hasCount: boolean }) {
  const words = useStatusWords()(status);
  return (
    <span
      className={styles.mark}
      data-status={status}
      data-beside={hasCount || undefined}
      title={words}
      aria-hidden="true"
    >
      {status === "typing" && (
        <>
          <i />
          <i />
          <i />
        </>
      )}
    </span>
  );
}
