import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Button, Menu, Select, TextInput } from "@mantine/core";
import type { Agent, Link, Role } from "@omnibox/api";
import { IconDots, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDesk } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Copy } from "../../ui/Copy.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Page, Panel } from "../../ui/Page.tsx";
import { useReason } from "../../ui/reasons.ts";
import { Failed, FieldSkeletons } from "../../ui/States.tsx";
import { shortDate } from "../../ui/time.ts";
import { toast } from "../../ui/toast.tsx";
import { useTexts } from "../../ui/useTexts.ts";
import styles from "./AgentsPage.module.css";

export function useRoleWords(): (role: Role) => string {
  const { t } = useLingui();
  return (role) => ({ owner: t`Owner`, admin: t`Admin`, agent: t`Agent` })[role];
}

const roles: readonly Role[] = ["agent", "admin", "owner"];

interface MadeLink extends Link {
  title: string;
}

function LinkDialog({ made, onClose }: { made: MadeLink | null; onClose: () => void }) {
  const { t, i18n } = useLingui();
  return (
    <Dialog isOpen={made !== null} onClose={onClose} title={made?.title}>
      {made && (
        <div className={styles.form}>
          <Copy label={t`Link`} value={made.link} />
          <p className="muted">
            <Trans>
              Send it to them yourself. It works once, until{" "}
              {shortDate(made.expires_at, i18n.locale)}.
            </Trans>
          </p>
        </div>
      )}
    </Dialog>
  );
}

function InviteDialog({ onMade }: { onMade: (link: MadeLink) => void }) {
  const { t } = useLingui();
  const { api } = useServices();
  const { me } = useDesk();
  const words = useRoleWords();
  const [isOpen, setOpen] = useState(false);
  const [role, setRole] = useState<Role>("agent");
  const form = useTexts({ name: "", email: "" });
  const offered = roles.filter((one) => one !== "owner" || me.role === "owner");
  return (
    <>
      <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen(true)}>
        <Trans>Invite an agent</Trans>
      </Button>
      <Dialog isOpen={isOpen} onClose={() => setOpen(false)} title={t`Invite an agent`}>
        <form
          className={styles.form}
          onSubmit={form.submit(async (values) => {
            const link = await api.invite({ ...values, role });
            const { email } = values;
            setOpen(false);
            form.set({ name: "", email: "" });
            onMade({ ...link, title: t`Invitation for ${email}` });
          })}
        >
          {form.fault && (
            <p className={styles.fault} role="alert">
              {form.fault}
            </p>
          )}
          <TextInput {...form.field("name")} label={t`Name`} required data-autofocus />
          <TextInput {...form.field("email")} type="email" label={t`Email`} required />
          <Select
            label={t`Role`}
            value={role}
            allowDeselect={false}
            data={offered.map((value) => ({ value, label: words(value) }))}
            onChange={(value) => value && setRole(value as Role)}
          />
          <Button type="submit" loading={form.isBusy}>
            <Trans>Make the link</Trans>
          </Button>
        </form>
      </Dialog>
    </>
  );
}

interface AgentLineProps {
  agent: Agent;
  onLink: (link: MadeLink) => void;
  onChange: () => Promise<unknown>;
}

function AgentLine({ agent, onLink, onChange }: AgentLineProps) {
  const { t } = useLingui();
  const { api, store } = useServices();
  const { me } = useDesk();
  const words = useRoleWords();
  const reason = useReason();
  const { id, name, email, role, is_active } = agent;
  const mayChange = id !== me.id && (role !== "owner" || me.role === "owner");
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
      await onChange();
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
  };
  const change = (body: { role?: Role; is_active?: boolean }) =>
    void attempt(async () => store.putAgent(await api.changeAgent(id, body)));
  const makeLink = () =>
    void attempt(async () =>
      onLink({ ...(await api.resetLink(id)), title: t`New password for ${name}` }),
    );
  const offered = roles.filter((one) => one !== role && (one !== "owner" || me.role === "owner"));
  return (
    <li className={styles.agent} data-off={!is_active || undefined}>
      <Avatar label={name} />
      <span className={styles.words}>
        <span className="clip">
          <strong>{name}</strong>
          {id === me.id && (
            <span className="muted">
              {" "}
              · <Trans>you</Trans>
            </span>
          )}
        </span>
        <bdi className="clip muted">{email}</bdi>
      </span>
      <span className={styles.role}>{is_active ? words(role) : t`Deactivated`}</span>
      {mayChange ? (
        <Menu position="bottom-end" width={220}>
          <Menu.Target>
            <ActionIcon variant="subtle" color="neutral" size={32} aria-label={t`More: ${name}`}>
              <IconDots size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {is_active &&
              offered.map((one) => {
                const word = words(one);
                return (
                  <Menu.Item key={one} onClick={() => change({ role: one })}>
                    {t`Make: ${word}`}
                  </Menu.Item>
                );
              })}
            {is_active && <Menu.Item onClick={makeLink}>{t`Link for a new password`}</Menu.Item>}
            <Menu.Divider />
            <Menu.Item
              {...(is_active ? { color: "danger" } : {})}
              onClick={() => change({ is_active: !is_active })}
            >
              {is_active ? t`Deactivate` : t`Activate again`}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : (
        <span className={styles.blank} />
      )}
    </li>
  );
}

export default function AgentsPage() {
  const { t, i18n } = useLingui();
  const { api, queries } = useServices();
  const words = useRoleWords();
  const reason = useReason();
  const [made, setMade] = useState<MadeLink | null>(null);
  const agents = useQuery({ queryKey: ["agents"], queryFn: api.agents });
  const invitations = useQuery({ queryKey: ["agents", "invited"], queryFn: api.invitations });
  const reload = () => queries.invalidateQueries({ queryKey: ["agents"] });
  const withdraw = async (id: number) => {
    try {
      await api.withdraw(id);
      await reload();
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
  };
  const show = (link: MadeLink) => {
    setMade(link);
    void reload();
  };
  return (
    <Page
      title={t`Agents`}
      text={<Trans>Who answers your customers.</Trans>}
      actions={<InviteDialog onMade={show} />}
    >
      <LinkDialog made={made} onClose={() => setMade(null)} />
      {agents.isPending && <FieldSkeletons count={4} />}
      {agents.isError && !agents.data && (
        <Failed
          what={t`The agents could not be loaded`}
          error={agents.error}
          onRetry={() => void agents.refetch()}
        />
      )}
      {agents.data && (
        <ul className={styles.list} aria-label={t`Agents`}>
          {[...agents.data]
            .sort((one, other) => Number(other.is_active) - Number(one.is_active))
            .map((agent) => (
              <AgentLine key={agent.id} agent={agent} onLink={show} onChange={reload} />
            ))}
        </ul>
      )}
      {invitations.data && invitations.data.length > 0 && (
        <Panel title={t`Invited`}>
          <ul className={styles.list} aria-label={t`Invited`}>
            {invitations.data.map((one) => (
              <li key={one.id} className={styles.agent}>
                <Avatar label={one.name || one.email} />
                <span className={styles.words}>
                  <span className="clip">{one.name || one.email}</span>
                  <bdi className="clip muted">{one.email}</bdi>
                </span>
                <span className={styles.role}>
                  {words(one.role)} ·{" "}
                  <Trans>valid until {shortDate(one.expires_at, i18n.locale)}</Trans>
                </span>
                <Button
                  variant="subtle"
                  color="danger"
                  size="xs"
                  aria-label={t`Withdraw the invitation of ${one.email}`}
                  onClick={() => void withdraw(one.id)}
                >
                  <Trans>Withdraw</Trans>
                </Button>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </Page>
  );
}
