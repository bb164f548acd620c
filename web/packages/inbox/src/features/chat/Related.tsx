import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { Row } from "@omnibox/api";
import { IconGitMerge } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useRow } from "../../app/live.ts";
import { useRearranging } from "../../app/rearranging.ts";
import { useServices } from "../../app/services.ts";
import styles from "./Related.module.css";

/** A conversation whose sender held the key to another one and does not belong there: an agent decides. */
export function Related({ row, related }: { row: Row; related: number }) {
  const { t } = useLingui();
  const { sync } = useServices();
  const { merge, forgetRelated } = useRearranging();
  const other = useRow(related);
  const isKnown = other !== undefined;

  useEffect(() => {
    // Without its row the link still leads there.
    if (!isKnown) sync.loadRow(related).catch(() => undefined);
  }, [sync, related, isKnown]);

  const into = other?.merged_into ?? related;
  const name = other?.contact.label ?? t`Conversation ${related}`;
  const subject = other?.subject ?? other?.last?.text ?? "";
  return (
    <section className={styles.related} aria-label={t`Possibly related`}>
      <p className={styles.words}>
        <span>
          <Trans>Possibly related to</Trans>{" "}
          <Link to="/c/$id" params={{ id: `${into}` }} search={(old) => old}>
            <bdi>{name}</bdi>
          </Link>
        </span>
        {subject && <span className={`clip ${styles.subject}`}>{subject}</span>}
      </p>
      <span className={styles.choices}>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconGitMerge size={14} />}
          onClick={() => void merge(row, into)}
        >
          <Trans>Merge</Trans>
        </Button>
        <Button
          size="compact-sm"
          variant="subtle"
          color="neutral"
          onClick={() => void forgetRelated(row)}
        >
          <Trans>Not related</Trans>
        </Button>
      </span>
    </section>
  );
}
