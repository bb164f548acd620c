import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { ErasureAsked, Id } from "@omnibox/api";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useServices } from "../../app/services.ts";
import { Panel } from "../../ui/Page.tsx";
import { useReason } from "../../ui/reasons.ts";
import { dateAndTime } from "../../ui/time.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./Quarantine.module.css";

function Entry({ asked, onDone }: { asked: ErasureAsked; onDone: () => void }) {
  const { t, i18n } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const settle = useMutation({
    mutationFn: () => api.settleErasure(asked.id),
    onSuccess: () => {
      toast(t`Noted`);
      onDone();
    },
    onError: (error) => toast(reason(error), { isFailure: true }),
  });
  return (
    <li className={styles.entry}>
      <div className={styles.words}>
        <p>{asked.subject}</p>
        <p className={styles.facts}>
          {dateAndTime(asked.asked_at, i18n.locale)} · {asked.code}
        </p>
      </div>
      <Button
        variant="default"
        size="xs"
        loading={settle.isPending}
        onClick={() => settle.mutate()}
      >
        <Trans>It is done</Trans>
      </Button>
    </li>
  );
}

/** Who asked through the platform to be erased, and still is here. Absent while there is nobody. */
export function Erasures({ connection }: { connection: Id }) {
  const { t } = useLingui();
  const { api } = useServices();
  const query = useQuery({ queryKey: ["erasures"], queryFn: api.erasures });
  const open = query.data?.filter((each) => each.connection === connection && !each.done_at) ?? [];
  if (open.length === 0) return null;
  return (
    <Panel title={t`Asked to be erased`}>
      <p className="muted">
        <Trans>
          These people asked, through the platform, that what we have of them be removed. Remove it,
          then say so here: they see it.
        </Trans>
      </p>
      <ul className={styles.list}>
        {open.map((each) => (
          <Entry key={each.id} asked={each} onDone={() => void query.refetch()} />
        ))}
      </ul>
    </Panel>
  );
}
