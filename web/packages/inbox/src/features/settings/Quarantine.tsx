import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { Id, Quarantined } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { Panel } from "../../ui/Page.tsx";
import { useReason } from "../../ui/reasons.ts";
import { bytes, dateAndTime } from "../../ui/time.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./Quarantine.module.css";

function Entry({ entry, onDone }: { entry: Quarantined; onDone: () => void }) {
  const { t, i18n } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const [isBusy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      await api.retryQuarantined(entry.id);
      toast(t`Read now`);
      onDone();
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
    setBusy(false);
  };
  return (
    <li className={styles.entry}>
      <div className={styles.words}>
        <p>{entry.reason}</p>
        <p className={styles.facts}>
          {dateAndTime(entry.at, i18n.locale)} · {entry.kind} · {bytes(entry.size, i18n.locale)}
        </p>
        <details>
          <summary>
            <Trans>Excerpt</Trans>
          </summary>
          <pre className={styles.excerpt}>{entry.excerpt}</pre>
        </details>
      </div>
      <Button variant="default" size="xs" loading={isBusy} onClick={() => void retry()}>
        <Trans>Try again</Trans>
      </Button>
    </li>
  );
}

/** What arrived and could not be read: kept, not lost. Absent while there is nothing. */
export function Quarantine({ connection }: { connection: Id }) {
  const { t } = useLingui();
  const { api } = useServices();
  const query = useQuery({ queryKey: ["quarantine"], queryFn: api.quarantine });
  const entries = query.data?.filter((entry) => entry.connection === connection) ?? [];
  if (entries.length === 0) return null;
  return (
    <Panel title={t`Could not be read`}>
      <p className="muted">
        <Plural
          value={entries.length}
          one="# message was kept aside."
          other="# messages were kept aside."
        />
      </p>
      <ul className={styles.list}>
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} onDone={() => void query.refetch()} />
        ))}
      </ul>
    </Panel>
  );
}
