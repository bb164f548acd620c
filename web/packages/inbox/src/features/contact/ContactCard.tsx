import { Trans, useLingui } from "@lingui/react/macro";
import type { Contact, ContactFields, Id, Row } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useConnectorOf, useDesk, useRow } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { Failed, FieldSkeletons } from "../../ui/States.tsx";
import { shortDate } from "../../ui/time.ts";
import styles from "./ContactCard.module.css";
import { Field } from "./Field.tsx";

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className={styles.section} aria-label={title}>
    <h3 className={styles.heading}>{title}</h3>
    {children}
  </section>
);

function Earlier({ row }: { row: Row }) {
  const { i18n } = useLingui();
  const connector = useConnectorOf(row.channel);
  return (
    <li>
      <Link
        to="/c/$id"
        params={{ id: `${row.id}` }}
        search={(old) => old}
        className={styles.earlier}
      >
        <span className={styles.earlierTop}>
          <ChannelIcon connector={connector} inList size={12} />
          <span className="muted num">{shortDate(row.last_at, i18n.locale)}</span>
          <span className={styles.state} data-state={row.state}>
            {row.state === "open" ? (
              <Trans context="one conversation">Open</Trans>
            ) : (
              <Trans context="one conversation">Resolved</Trans>
            )}
          </span>
        </span>
        <span className="clip">{row.subject ?? row.last?.text}</span>
      </Link>
    </li>
  );
}

function Addresses({ contact }: { contact: Contact }) {
  const { t } = useLingui();
  const { channels, connectors } = useDesk();
  if (contact.identities.length === 0) return null;
  return (
    <Section title={t`Reached by`}>
      <ul className={styles.list}>
        {contact.identities.map(({ channel, kind, address }) => {
          const own = channel === null ? undefined : channels.get(channel);
          const connector = connectors.get(own?.connector ?? "");
          return (
            <li key={`${kind}-${channel}-${address}`} className={styles.address}>
              <ChannelIcon connector={connector} />
              <span className="clip">{own?.name ?? kind}</span>
              <bdi className="clip muted" title={address}>
                {address}
              </bdi>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

/** Who writes: what is known of them, editable in place, and what was said before. */
export function ContactCard({ conversation }: { conversation: Id }) {
  const { t, i18n } = useLingui();
  const { api, queries } = useServices();
  const row = useRow(conversation);
  const id = row?.contact.id ?? -1;
  const query = useQuery({
    queryKey: ["contact", `${id}`],
    queryFn: () => api.contact(id),
    enabled: id >= 0,
  });
  if (!row) return null;
  const { label, picture } = row.contact;
  const contact = query.data;

  const save = (field: keyof ContactFields) => async (value: string) => {
    const changed = await api.changeContact(id, { [field]: value || null });
    queries.setQueryData(["contact", `${id}`], changed);
  };

  const earlier = contact?.conversations.filter((one) => one.id !== conversation) ?? [];
  return (
    <aside className={styles.card} aria-label={t`Contact details`}>
      <div className={styles.top}>
        <Avatar label={label} picture={picture} size="l" />
        <h2 className={styles.name}>
          <bdi>{label}</bdi>
        </h2>
        {contact && (
          <p className={styles.since}>
            <Trans>Known since {shortDate(contact.created_at, i18n.locale)}</Trans>
          </p>
        )}
      </div>
      {query.isPending && <FieldSkeletons count={3} />}
      {query.isError && !contact && (
        <Failed
          what={t`The details could not be loaded`}
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {contact && (
        <>
          <Section title={t`Details`}>
            <Field label={t`Name`} type="text" value={contact.name} onSave={save("name")} />
            <Field label={t`Email`} type="email" value={contact.email} onSave={save("email")} />
            <Field label={t`Phone`} type="tel" value={contact.phone} onSave={save("phone")} />
          </Section>
          <Addresses contact={contact} />
          <Section title={t`Earlier conversations`}>
            {earlier.length > 0 ? (
              <ul className={styles.list}>
                {earlier.map((one) => (
                  <Earlier key={one.id} row={one} />
                ))}
              </ul>
            ) : (
              <p className="muted">
                <Trans>First conversation with this person.</Trans>
              </p>
            )}
          </Section>
        </>
      )}
    </aside>
  );
}
