import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Menu, Tooltip } from "@mantine/core";
import { IconMessages, IconSettings } from "@tabler/icons-react";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { Avatar, Presence } from "../ui/Avatar.tsx";
import { clockTime, useNow } from "../ui/time.ts";
import { hasAnyDraft } from "./drafts.ts";
import { useConnectivity, useCounts, useDesk, useWaiting } from "./live.ts";
import { Outage } from "./Outage.tsx";
import { useOnline } from "./online.ts";
import styles from "./Shell.module.css";
import { storage, useServices } from "./services.ts";
import { Troubles } from "./Troubles.tsx";

const Palette = lazy(() => import("./Palette.tsx"));
const LoginDialog = lazy(() => import("../features/auth/LoginDialog.tsx"));

const OLD_MS = 60_000;

interface RailLinkProps {
  to: "/" | "/settings";
  label: string;
  icon: ReactNode;
  isCurrent: boolean;
  count?: number;
}

const RailLink = ({ to, label, icon, isCurrent, count = 0 }: RailLinkProps) => (
  <Tooltip label={label} position="right">
    <Link to={to} className={styles.link} aria-current={isCurrent ? "page" : undefined}>
      {icon}
      <span className="visually-hidden">{label}</span>
      {count > 0 && <span className={`num ${styles.badge}`}>{count > 99 ? "99+" : count}</span>}
    </Link>
  </Tooltip>
);

function MyMenu() {
  const { t } = useLingui();
  const { me } = useDesk();
  const { api } = useServices();
  const setOnline = useOnline();
  const navigate = useNavigate();
  const leave = async () => {
    await api.logout().catch(() => undefined);
    location.assign("/inbox/");
  };
  return (
    <Menu position="right-end" width={220}>
      <Menu.Target>
        <button type="button" className={styles.me}>
          <span className="visually-hidden">{t`My account: ${me.name}`}</span>
          <Avatar label={me.name}>
            <Presence isOn={me.is_on} />
          </Avatar>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.email}</Menu.Label>
        <Menu.Item onClick={() => void setOnline(!me.is_on)}>
          {me.is_on ? <Trans>Go offline</Trans> : <Trans>Go online</Trans>}
        </Menu.Item>
        <Menu.Item onClick={() => void navigate({ to: "/settings/profile" })}>
          <Trans>Profile and appearance</Trans>
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void leave()}>
          <Trans>Sign out</Trans>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** What the reader should know of the connection; nothing while all is well. */
function Bars() {
  const { i18n } = useLingui();
  const { link, asOf, isOutdated } = useConnectivity();
  const waiting = useWaiting();
  const isOld = useNow((now) => link === "lost" && asOf !== null && now - asOf > OLD_MS);
  if (link === "lost")
    return (
      <div className={styles.bar} role="status">
        <span className={styles.pulse} aria-hidden="true" />
        <Trans>Reconnecting…</Trans>
        {waiting > 0 && (
          <span>
            <Plural value={waiting} one="# message waiting" other="# messages waiting" />
          </span>
        )}
        {isOld && asOf !== null && (
          <span className="muted">
            <Trans>as of {clockTime(new Date(asOf).toISOString(), i18n.locale)}</Trans>
          </span>
        )}
      </div>
    );
  if (isOutdated)
    return (
      <div className={styles.bar} role="status">
        <Trans>A new version is ready</Trans>
        <button type="button" className={styles.reload} onClick={() => location.reload()}>
          <Trans>Reload</Trans>
        </button>
      </div>
    );
  return null;
}

/** The rail, whatever page is open, and what lies above all pages. */
export function Shell() {
  const { t } = useLingui();
  const counts = useCounts();
  const { isSignedOut, isOutdated, link } = useConnectivity();
  const { build } = useDesk();
  const isSettings = useLocation({ select: ({ pathname }) => pathname.startsWith("/settings") });

  useEffect(() => {
    document.title = counts.mine > 0 ? `(${counts.mine}) Omnibox` : "Omnibox";
  }, [counts.mine]);

  useEffect(() => {
    const isBusy = () => hasAnyDraft() || document.querySelector("[role=dialog]") !== null;
    // By itself at most once for a build: a server whose parts disagree must not make a loop.
    if (!isOutdated || link !== "live" || isBusy() || storage.getItem("reloaded") === build) return;
    storage.setItem("reloaded", build);
    location.reload();
  }, [isOutdated, link, build]);

  return (
    <div className={styles.shell}>
      <nav className={styles.rail} aria-label={t`Main`}>
        <RailLink
          to="/"
          label={t`Conversations`}
          icon={<IconMessages size={22} stroke={1.75} />}
          isCurrent={!isSettings}
          count={counts.mine}
        />
        <RailLink
          to="/settings"
          label={t`Settings`}
          icon={<IconSettings size={22} stroke={1.75} />}
          isCurrent={isSettings}
        />
        <span className={styles.space} />
        <MyMenu />
      </nav>
      <main className={styles.main}>
        <Bars />
        <Outage />
        <Troubles />
        <div className={styles.page}>
          <Suspense>
            <Outlet />
          </Suspense>
        </div>
        <div id="above" />
      </main>
      <Suspense>
        <Palette />
        {isSignedOut && <LoginDialog />}
      </Suspense>
    </div>
  );
}
