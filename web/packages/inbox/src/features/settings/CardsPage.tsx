import "./styles.ts";
import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { MaskReport } from "@omnibox/api";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useServices } from "../../app/services.ts";
import { Page, Panel } from "../../ui/Page.tsx";
import { Failed, FieldSkeletons } from "../../ui/States.tsx";
import { dateAndTime } from "../../ui/time.ts";
import styles from "./CardsPage.module.css";

function useRuleWords() {
  const { t } = useLingui();
  return (rule: string): string => {
    switch (rule) {
      case "card":
        return t`Hidden as a card number`;
      case "code":
        return t`Hidden as a security code`;
      case "date":
        return t`Hidden as an expiry date`;
      case "pattern":
        return t`Hidden by a pattern of the channel`;
      default:
        return t`Hidden`;
    }
  };
}

function Report({ report }: { report: MaskReport }) {
  const { i18n } = useLingui();
  const words = useRuleWords();
  const { conversation, channel, at, rule, scheme, shape, separators, last, around } = report;
  return (
    <li className={styles.report}>
      <p>
        {words(rule)}
        {scheme && ` · ${scheme}`}
      </p>
      <p className={styles.facts}>
        <Trans>
          Groups of digits: <span className="num">{shape}</span>
        </Trans>
        {separators && ` (${separators})`}
        {last && (
          <>
            {" · "}
            <Trans>
              ends in <span className="num">{last}</span>
            </Trans>
          </>
        )}
      </p>
      <p className={styles.around}>{around}</p>
      <p className={styles.facts}>
        <Link to="/c/$id" params={{ id: `${conversation}` }}>
          <Trans>Open it</Trans>
        </Link>
        {` · ${channel} · ${dateAndTime(at, i18n.locale)}`}
      </p>
    </li>
  );
}

/** What agents said was hidden without being a card number: the shapes that a rule can be mended with. */
export default function CardsPage() {
  const { t } = useLingui();
  const { api } = useServices();
  const query = useQuery({ queryKey: ["mask-reports"], queryFn: api.maskReports });
  const reports = query.data ?? [];
  return (
    <Page
      title={t`Card numbers`}
      text={t`Card numbers are hidden before anything is stored, and nobody can see them again.`}
      actions={
        reports.length > 0 && (
          <Button
            component="a"
            href="/api/mask-reports/export"
            download
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden="true" />}
          >
            <Trans>Export</Trans>
          </Button>
        )
      }
    >
      <Panel title={t`Reported: was no card number`}>
        {query.isPending && <FieldSkeletons count={3} />}
        {query.isError && (
          <Failed
            what={t`The reports could not be loaded`}
            error={query.error}
            onRetry={() => void query.refetch()}
          />
        )}
        {query.isSuccess && reports.length === 0 && (
          <p className="muted">
            <Trans>
              Nothing yet. Agents report from the menu beside a message in which something is
              hidden.
            </Trans>
          </p>
        )}
        <ul className={styles.list}>
          {reports.map((report) => (
            <Report key={report.id} report={report} />
          ))}
        </ul>
      </Panel>
    </Page>
  );
}
