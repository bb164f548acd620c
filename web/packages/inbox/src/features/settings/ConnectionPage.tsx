import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { Connection, Connector } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useDesk } from "../../app/live.ts";
import { NotFound } from "../../app/NotFound.tsx";
import { useServices } from "../../app/services.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Page, Panel } from "../../ui/Page.tsx";
import { useReason } from "../../ui/reasons.ts";
import { Failed, FieldSkeletons } from "../../ui/States.tsx";
import { toast } from "../../ui/toast.tsx";
import { AddChannel, ChannelPanel } from "./ChannelPanel.tsx";
import { Emblem } from "./ChannelsPage.tsx";
import { Check } from "./Check.tsx";
import { AskForConsent, Consent, useConsentOutcome } from "./Consent.tsx";
import { DeleteByName } from "./DeleteByName.tsx";
import { Erasures } from "./Erasures.tsx";
import { HealthBanner, StateDot } from "./Health.tsx";
import { Quarantine } from "./Quarantine.tsx";
import { SchemaForm } from "./SchemaForm.tsx";
import styles from "./Steps.module.css";
import { Steps } from "./Steps.tsx";

interface BodyProps {
  connection: Connection;
  connector: Connector;
  reload: () => Promise<unknown>;
  isChoosing: boolean;
}

function Power({ connection, reload }: Pick<BodyProps, "connection" | "reload">) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const [isBusy, setBusy] = useState(false);
  const isOn = connection.state === "active" || connection.state === "paused";
  const turn = async () => {
    setBusy(true);
    try {
      await (isOn ? api.disable(connection.id) : api.enable(connection.id));
      await reload();
      toast(isOn ? t`Switched off` : t`Switched on`);
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
    setBusy(false);
  };
  return (
    <Button variant={isOn ? "default" : "filled"} loading={isBusy} onClick={() => void turn()}>
      {isOn ? t`Switch off` : t`Switch on`}
    </Button>
  );
}

function Body({ connection, connector, reload, isChoosing }: BodyProps) {
  const { t } = useLingui();
  const { api, queries } = useServices();
  const navigate = useNavigate();
  const isAsked = connection.consent?.is_needed === true;
  const consent = <AskForConsent connection={connection.id} isAgain isMain />;
  return (
    <>
      {connection.problems.map((health) => (
        <HealthBanner key={health.code} health={health}>
          {isAsked && health.is_down && consent}
        </HealthBanner>
      ))}
      {connection.channels.flatMap(({ id, name, problems }) =>
        (problems ?? []).map((health) => (
          <HealthBanner key={`${id} ${health.code}`} health={health} name={name}>
            {isAsked && health.is_down && consent}
          </HealthBanner>
        )),
      )}
      <div className={styles.columns}>
        <Steps
          connector={connector}
          known={{ ...connection.settings, hook_url: connection.hook_url }}
        />
        <div>
          {connection.hook_url && (
            <Copy
              label={t`Hook URL`}
              help={t`The platform sends its messages to this address.`}
              value={connection.hook_url}
            />
          )}
          {connection.consent && (
            <Consent
              connection={connection}
              consent={connection.consent}
              reload={reload}
              isChoosing={isChoosing}
            />
          )}
          <Panel title={t`Connection`}>
            <SchemaForm
              key={connection.id}
              schema={connector.connection_schema}
              nameLabel={t`Name in omnibox`}
              name={connection.name}
              stored={connection.settings}
              secretsSet={connection.secrets_set}
              submitLabel={t`Save`}
              isEdit
              onSubmit={async (filled) => {
                await api.changeConnection(connection.id, filled);
                await reload();
                toast(t`Saved`);
              }}
            />
            {connector.has_check && <Check connection={connection.id} />}
          </Panel>
          <Panel title={t`Channels of this connection`}>
            {connection.channels.map((channel) => (
              <ChannelPanel
                key={channel.id}
                channel={channel}
                connector={connector}
                onChange={reload}
              />
            ))}
            <AddChannel
              key={connection.channels.length}
              connection={connection}
              connector={connector}
              onChange={reload}
            />
          </Panel>
          <Quarantine connection={connection.id} />
          <Erasures connection={connection.id} />
          <div>
            <DeleteByName
              label={t`Delete connection`}
              name={connection.name}
              onDelete={async () => {
                await api.deleteConnection(connection.id);
                void queries.invalidateQueries({ queryKey: ["channels"] });
                await navigate({ to: "/settings/channels" });
              }}
            />
          </div>
        </div>
      </div>
    </>
  );
}

/** One set of credentials: what to do, its settings, how it does, and its channels. */
export default function ConnectionPage() {
  const { t } = useLingui();
  const { api, queries } = useServices();
  const { connectors } = useDesk();
  const { connection: id = "" } = useParams({ strict: false });
  const outcome = useConsentOutcome();
  const query = useQuery({
    queryKey: ["channels", id],
    queryFn: () => api.connection(Number(id)),
  });
  const connector = connectors.get(query.data?.connector ?? "");
  if (query.isPending) return <FieldSkeletons count={5} />;
  if (!query.data)
    return (
      <Failed
        what={t`The connection could not be loaded`}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!connector) return <NotFound />;
  return (
    <Page
      isWide
      title={
        <>
          <Emblem connector={connector} /> {query.data.name}
        </>
      }
      text={
        <>
          {connector.title} · <StateDot state={query.data.state} health={query.data.health} />
          {query.data.state === "draft" && (
            <>
              {" · "}
              <Trans>Nothing is sent or received before you switch it on.</Trans>
            </>
          )}
        </>
      }
      actions={
        <Power
          connection={query.data}
          reload={() => queries.invalidateQueries({ queryKey: ["channels"] })}
        />
      }
    >
      <Body
        connection={query.data}
        connector={connector}
        isChoosing={outcome === "choose"}
        reload={() => queries.invalidateQueries({ queryKey: ["channels"] })}
      />
    </Page>
  );
}
