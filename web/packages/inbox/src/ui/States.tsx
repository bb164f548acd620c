import { Trans } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { ApiError } from "@omnibox/api";
import { type ReactNode, useEffect, useState } from "react";
import { useReason } from "./reasons.ts";
import styles from "./States.module.css";

const PATIENCE_MS = 150;

/** Shows nothing for a moment: most answers come sooner, and a flash of grey is worse than none. */
export function Patient({ children }: { children: ReactNode }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), PATIENCE_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return isLate ? children : null;
}

const keys = (count: number) => Array.from({ length: count }, (_, index) => index);

export const RowSkeletons = ({ count }: { count: number }) => (
  <Patient>
    <div aria-hidden="true">
      {keys(count).map((key) => (
        <div key={key} className={styles.row}>
          <span className={styles.round} />
          <span className={styles.lines}>
            <span className={styles.bar} style={{ width: `${40 + ((key * 17) % 30)}%` }} />
            <span className={styles.bar} style={{ width: `${60 + ((key * 23) % 35)}%` }} />
          </span>
        </div>
      ))}
    </div>
  </Patient>
);

export const FieldSkeletons = ({ count }: { count: number }) => (
  <Patient>
    <div aria-hidden="true" className={styles.fields}>
      {keys(count).map((key) => (
        <span key={key} className={styles.field} />
      ))}
    </div>
  </Patient>
);

interface EmptyProps {
  title: string;
  text?: ReactNode;
  icon?: ReactNode;
  children?: ReactNode;
}

/** Says why there is nothing, and offers the one next step. */
export const Empty = ({ title, text, icon, children }: EmptyProps) => (
  <div className={styles.empty}>
    {icon && (
      <span className={styles.icon} aria-hidden="true">
        {icon}
      </span>
    )}
    <p className={styles.title}>{title}</p>
    {text && <p className="muted">{text}</p>}
    {children}
  </div>
);

interface FailedProps {
  what: string;
  error?: unknown;
  onRetry?: () => void;
}

/** What happened, what to do, and the code to look up. */
export function Failed({ what, error, onRetry }: FailedProps) {
  const reason = useReason();
  const code = error instanceof ApiError ? error.code : null;
  return (
    <div className={styles.empty} role="alert">
      <p className={styles.title}>{what}</p>
      {error !== undefined && <p className="muted">{reason(error)}</p>}
      {onRetry && (
        <Button variant="default" size="xs" onClick={onRetry}>
          <Trans>Retry</Trans>
        </Button>
      )}
      {code && <code className={styles.code}>{code}</code>}
    </div>
  );
}
