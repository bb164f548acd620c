import "./styles.ts";
import { Trans, useLingui } from "@lingui/react/macro";
import { IconCreditCardOff, IconPlugConnected, IconUser, IconUsers } from "@tabler/icons-react";
import { Link, Outlet } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useDesk } from "../../app/live.ts";
import styles from "./SettingsPage.module.css";

interface EntryProps {
  to: "/settings/channels" | "/settings/agents" | "/settings/cards" | "/settings/profile";
  icon: ReactNode;
  children: ReactNode;
}

const Entry = ({ to, icon, children }: EntryProps) => (
  <Link to={to} className={styles.entry} activeProps={{ "aria-current": "page" }}>
    {icon}
    {children}
  </Link>
);

/** The menu of the settings and the page that is open. Areas without a right are absent. */
export default function SettingsPage() {
  const { t } = useLingui();
  const { may } = useDesk();
  return (
    <div className={styles.page}>
      <nav className={styles.menu} aria-label={t`Settings`}>
        <p className={styles.title}>
          <Trans>Settings</Trans>
        </p>
        {may.settings && (
          <Entry to="/settings/channels" icon={<IconPlugConnected size={18} stroke={1.75} />}>
            <Trans>Channels</Trans>
          </Entry>
        )}
        {may.settings && (
          <Entry to="/settings/cards" icon={<IconCreditCardOff size={18} stroke={1.75} />}>
            <Trans>Card numbers</Trans>
          </Entry>
        )}
        {may.agents && (
          <Entry to="/settings/agents" icon={<IconUsers size={18} stroke={1.75} />}>
            <Trans>Agents</Trans>
          </Entry>
        )}
        <Entry to="/settings/profile" icon={<IconUser size={18} stroke={1.75} />}>
          <Trans>Profile</Trans>
        </Entry>
      </nav>
      <section className={styles.content}>
        <Outlet />
      </section>
    </div>
  );
}
