import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import type { Channel, Connection, Connector } from "@omnibox/api";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { Copy } from "../../ui/Copy.tsx";
import { toast } from "../../ui/toast.tsx";
import styles from "./ChannelPanel.module.css";
import { DeleteByName } from "./DeleteByName.tsx";
import { StateDot } from "./Health.tsx";
import { Patterns } from "./Patterns.tsx";
import { type Filled, SchemaForm } from "./SchemaForm.tsx";

/** The setting that is the channel's own address is asked for once, as a setting. */
const addressOf = ({ settings }: Filled): string => String(settings.address ?? "");

interface ChannelPanelProps {
  channel: Channel;
  connector: Connector;
  onChange: () => Promise<unknown>;
}

/** One of our addresses: its settings and, for a website, the piece of code to paste. */
export function ChannelPanel({ channel, connector, onChange }: ChannelPanelProps) {
  const { t } = useLingui();
  const { api } = useServices();
  return (
    <section className={styles.channel} aria-label={channel.name}>
      <header className={styles.header}>
        <h3>{channel.name}</h3>
        <bdi className="muted clip">{channel.address}</bdi>
        <StateDot state={channel.state} health={channel.health} />
      </header>
      {channel.snippet && (
        <Copy
          isLong
          label={t`Code for your website`}
          help={t`Paste it before the end of the body of every page.`}
          value={channel.snippet}
        />
      )}
      <SchemaForm
        key={channel.id}
        schema={connector.channel_schema}
        nameLabel={t`Channel name`}
        name={channel.name}
        stored={channel.settings ?? {}}
        secretsSet={channel.secrets_set ?? []}
        submitLabel={t`Save`}
        isEdit
        onSubmit={async (filled) => {
          await api.changeChannel(channel.id, filled);
          await onChange();
          toast(t`Saved`);
        }}
      >
        <DeleteByName
          label={t`Delete channel`}
          name={channel.name}
          onDelete={async () => {
            await api.deleteChannel(channel.id);
            await onChange();
          }}
        />
      </SchemaForm>
      <Patterns channel={channel.id} />
    </section>
  );
}

interface AddChannelProps {
  connection: Connection;
  connector: Connector;
  onChange: () => Promise<unknown>;
}

export function AddChannel({ connection, connector, onChange }: AddChannelProps) {
  const { t } = useLingui();
  const { api } = useServices();
  const [isOpen, setOpen] = useState(connection.channels.length === 0);
  const hasAddress = "address" in (connector.channel_schema?.properties ?? {});
  const [address, setAddress] = useState("");
  if (!isOpen)
    return (
      <Button variant="default" style={{ justifySelf: "start" }} onClick={() => setOpen(true)}>
        <Trans>Add a channel</Trans>
      </Button>
    );
  return (
    <section className={styles.channel} aria-label={t`Add a channel`}>
      <h3>
        <Trans>Add a channel</Trans>
      </h3>
      {!hasAddress && (
        <TextInput
          label={t`Address`}
          description={t`The address or id by which customers reach it; empty where it has none.`}
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
      )}
      <SchemaForm
        schema={connector.channel_schema}
        nameLabel={t`Channel name`}
        name=""
        stored={{}}
        secretsSet={[]}
        submitLabel={t`Add`}
        isEdit={false}
        onSubmit={async (filled) => {
          const own = hasAddress ? addressOf(filled) : address.trim();
          await api.addChannel(connection.id, { ...filled, address: own });
          setOpen(false);
          await onChange();
        }}
      />
    </section>
  );
}
