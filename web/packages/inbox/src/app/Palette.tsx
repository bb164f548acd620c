import { useLingui } from "@lingui/react/macro";
import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import "@mantine/spotlight/styles.css";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useDesk } from "./live.ts";
import { useOnline } from "./online.ts";
import { useServices } from "./services.ts";
import { useThreadActions } from "./useThreadActions.tsx";

const SHOWN = 8;

/** Ctrl or ⌘ with K: go anywhere, open a conversation that was seen, put the open one elsewhere. */
export default function Palette() {
  const { t } = useLingui();
  const { store } = useServices();
  const { me } = useDesk();
  const setOnline = useOnline();
  const navigate = useNavigate();
  const thread = useThreadActions();

  const actions = useMemo(() => {
    const go = (id: string, label: string, run: () => void): SpotlightActionData => ({
      id,
      label,
      onClick: run,
    });
    const view = (name: "mine" | "unassigned" | "all" | "resolved", label: string) =>
      go(name, label, () => void navigate({ to: "/", search: { view: name } }));
    return [
      view("mine", t`Conversations: mine`),
      view("unassigned", t`Conversations: unassigned`),
      view("all", t`Conversations: all`),
      view("resolved", t`Conversations: resolved`),
      go("channels", t`Settings: channels`, () => void navigate({ to: "/settings/channels" })),
      go("agents", t`Settings: agents`, () => void navigate({ to: "/settings/agents" })),
      go("profile", t`Settings: profile`, () => void navigate({ to: "/settings/profile" })),
      go("status", me.is_on ? t`Go offline` : t`Go online`, () => void setOnline(!me.is_on)),
    ];
  }, [t, me.is_on, navigate, setOnline]);

  return (
    <>
      <Spotlight
        shortcut={["mod + K"]}
        tagsToIgnore={[]} // also while a reply is written
        limit={SHOWN * 2}
        overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
        nothingFound={t`Nothing found`}
        searchProps={{ placeholder: t`Go to…`, "aria-label": t`Go to…` }}
        filter={(query, all) => {
          const sought = query.trim().toLocaleLowerCase();
          if (!sought) return all;
          const found = (all as SpotlightActionData[]).filter(({ label }) =>
            label?.toLocaleLowerCase().includes(sought),
          );
          const people = [...store.rows.order("all", null), ...store.rows.order("resolved", null)]
            .map((id) => store.rows.get(id))
            .filter((row) => row?.contact.label.toLocaleLowerCase().includes(sought))
            .slice(0, SHOWN)
            .flatMap((row) =>
              row
                ? [
                    {
                      id: `row-${row.id}`,
                      label: row.contact.label,
                      description: row.last?.text ?? "",
                      onClick: () => void navigate({ to: "/c/$id", params: { id: `${row.id}` } }),
                    },
                  ]
                : [],
            );
          return [...found, ...people];
        }}
        attributes={{ content: { "aria-label": t`Go to…` } }}
        actions={[...actions, ...thread.actions]}
      />
      {thread.question}
    </>
  );
}
