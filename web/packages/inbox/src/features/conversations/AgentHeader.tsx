import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Popover, Switch } from "@mantine/core";
import { useDesk } from "../../app/live.ts";
import { useOnline } from "../../app/online.ts";
import { Avatar, Presence } from "../../ui/Avatar.tsx";
import styles from "./AgentHeader.module.css";

/** Who I am here, and whether I take conversations. */
export function AgentHeader() {
  const { t } = useLingui();
  const { me } = useDesk();
  const setOnline = useOnline();
  return (
    <header className={styles.header}>
      <Avatar label={me.name}>
        <Presence isOn={me.is_on} />
      </Avatar>
      <div className={styles.who}>
        <span className={`clip ${styles.name}`}>{me.name}</span>
        <span className={styles.status}>{me.is_on ? t`Online` : t`Offline`}</span>
      </div>
      <Switch
        checked={me.is_on}
        aria-label={t`Online`}
        color="success"
        size="sm"
        onChange={(event) => void setOnline(event.currentTarget.checked)}
      />
    </header>
  );
}

/** The colleagues at work; the one who looks is not counted. */
export function TeamFoot() {
  const { t } = useLingui();
  const { me, agents } = useDesk();
  const others = [...agents.values()].filter(({ id, is_active }) => is_active && id !== me.id);
  if (others.length === 0) return null;
  const isHere = (agent: (typeof others)[number]) => agent.is_on && agent.is_online;
  const online = others.filter(isHere).length;
  const sorted = [...others].sort((a, b) => Number(isHere(b)) - Number(isHere(a)));
  return (
    <Popover position="top-start" width={240}>
      <Popover.Target>
        <button type="button" className={styles.team}>
          <span className={styles.bead} data-on={online > 0 || undefined} aria-hidden="true" />
          <span>
            <Plural value={online} one="# agent online" other="# agents online" />,{" "}
            <Plural value={others.length - online} one="# offline" other="# offline" />
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <ul className={styles.people} aria-label={t`Colleagues`}>
          {sorted.map((agent) => (
            <li key={agent.id}>
              <Avatar label={agent.name} size="s" />
              <span className="clip">{agent.name}</span>
              <span className={styles.status}>
                {isHere(agent) ? <Trans>Online</Trans> : <Trans>Offline</Trans>}
              </span>
            </li>
          ))}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}
