import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Connection, Connector } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useDesk } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { Page, Panel } from "../../ui/Page.tsx";
import { Failed, FieldSkeletons } from "../../ui/States.tsx";
import styles from "./ChannelsPage.module.css";
import { useConsentOutcome } from "./Consent.tsx";
import { StateDot } from "./Health.tsx";

/** A connector without a picture of its own still has a place for one. */
export const Emblem = ({ connector }: { connector: Connector | undefined }) => (
  <span className={styles.emblem} aria-hidden="true">
    {connector?.icon ? (
      <ChannelIcon connector={connector} size={20} />
    ) : (
      <span className={styles.letter}>{connector?.title.charAt(0)}</span>
    )}
  </span>
);

function ConnectionCard({ connection }: { connection: Connection }) {
  const { connectors, channels } = useDesk();
  const connector = connectors.get(connection.connector);
  const waiting = connection.channels.reduce(
    (sum, { id, waiting }) => sum + (channels.get(id)?.waiting ?? waiting),
    0,
  );
  return (
    <li>
      <Link
        to="/settings/channels/$connection"
        params={{ connection: `${connection.id}` }}
        className={styles.card}
      >
        <Emblem connector={connector} />
        <span className={styles.words}>
          <span className={styles.name}>{connection.name}</span>
          <span className={`clip ${styles.facts}`}>
            {connector?.title}
            {connection.channels.map(({ id, name, address }) => (
              <span key={id}> · {address || name}</span>
            ))}
          </span>
        </span>
        {waiting > 0 && (
          <span className={styles.facts}>
            <Plural value={waiting} one="# reply waits" other="# replies wait" />
          </span>
        )}
        <StateDot state={connection.state} health={connection.health} />
      </Link>
    </li>
  );
}

export default function ChannelsPage() {
  const { t } = useLingui();
  const { api } = useServices();
  const { connectors } = useDesk();
  useConsentOutcome();
  const query = useQuery({ queryKey: ["channels"], queryFn: api.connections });
  return (
    <Page title={t`Channels`} text={<Trans>Where your customers write to you.</Trans>}>
      {query.isPending && <FieldSkeletons count={3} />}
      {query.isError && !query.data && (
        <Failed
          what={t`The channels could not be loaded`}
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data && query.data.length > 0 && (
        <ul className={styles.list} aria-label={t`Connections`}>
          {query.data.map((connection) => (
            <ConnectionCard key={connection.id} connection={connection} />
          ))}
        </ul>
      )}
      <Panel title={t`Add a channel`}>
        <ul className={styles.kinds}>
          {[...connectors.values()].map((connector) => (
            <li key={connector.name}>
              <Link
                to="/settings/channels/new/$connector"
                params={{ connector: connector.name }}
                className={styles.kind}
              >
                <Emblem connector={connector} />
                <span className={styles.name}>{connector.title}</span>
                <span className={styles.facts}>{connector.error ?? connector.summary}</span>
              </Link>
            </li>
          ))}
        </ul>
      </Panel>
    </Page>
  );
}
