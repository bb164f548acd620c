import { t } from "@lingui/core/macro";
import { notifications } from "@mantine/notifications";
import styles from "./toast.module.css";

const SHOWN_MS = 8_000;

export interface ToastOptions {
  action?: { label: string; run: () => void };
  isFailure?: boolean;
  /** Replaces an earlier one of the same name. */
  id?: string;
}

/** A quiet line at the bottom, for eight seconds, with at most one action. */
export function toast(message: string, { action, isFailure = false, id }: ToastOptions = {}): void {
  const key = id ?? crypto.randomUUID?.() ?? String(Math.random());
  notifications.hide(key);
  notifications.show({
    id: key,
    autoClose: SHOWN_MS,
    color: isFailure ? "danger" : "accent",
    withBorder: false,
    closeButtonProps: { "aria-label": t`Close` },
    role: isFailure ? "alert" : "status",
    message: (
      <span className={styles.line}>
        <span>{message}</span>
        {action && (
          <button
            type="button"
            className={styles.action}
            onClick={() => {
              notifications.hide(key);
              action.run();
            }}
          >
            {action.label}
          </button>
        )}
      </span>
    ),
  });
}
