import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { Finding, Id } from "@omnibox/api";
import { IconCheck, IconClock, IconX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useServices } from "../../app/services.ts";
import { useReason } from "../../ui/reasons.ts";
import styles from "./Check.module.css";

function FindingLine({ finding }: { finding: Finding }) {
  const { t } = useLingui();
  const { name, ok, why, cure } = finding;
  const [tone, words, Shape] =
    ok === null
      ? (["waiting", t`waiting`, IconClock] as const)
      : ok
        ? (["ok", t`ok`, IconCheck] as const)
        : (["failed", t`failed`, IconX] as const);
  return (
    <li className={styles.finding} data-tone={tone}>
      <span className={styles.mark} aria-hidden="true">
        <Shape size={14} stroke={2.5} />
      </span>
      <div>
        <p>
          {name} <span className={styles.word}>{words}</span>
        </p>
        {why && <p className="muted">{why}</p>}
        {cure && !ok && <p>{cure}</p>}
      </div>
    </li>
  );
}

/** Asks the connection how it does, and lists each finding with its cure. */
export function Check({ connection }: { connection: Id }) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const check = useMutation({ mutationFn: () => api.checkConnection(connection) });
  return (
    <div className={styles.check}>
      <Button variant="default" loading={check.isPending} onClick={() => check.mutate()}>
        <Trans>Check connection</Trans>
      </Button>
      <div aria-live="polite">
        {check.isError && <p role="alert">{reason(check.error)}</p>}
        {check.data && (
          <ul className={styles.list} aria-label={t`Findings`}>
            {check.data.checks.map((finding) => (
              <FindingLine key={finding.name} finding={finding} />
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
