import { Trans, useLingui } from "@lingui/react/macro";
import { Drawer } from "@mantine/core";
import type { Id, View } from "@omnibox/api";
import { IconMessages } from "@tabler/icons-react";
import { getRouteApi, useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { ChatPane } from "../features/chat/ChatPane.tsx";
import { ContactCard } from "../features/contact/ContactCard.tsx";
import { ListPane } from "../features/conversations/ListPane.tsx";
import { useIsPhone, useIsWide } from "../ui/phone.ts";
import { Empty } from "../ui/States.tsx";
import styles from "./ConversationsPage.module.css";
import { storage } from "./services.ts";

const route = getRouteApi("/desk/conversations");

/** List, conversation and contact, as many of them side by side as there is room for. */
export function ConversationsPage() {
  const { t } = useLingui();
  const { view = "all", channel } = route.useSearch();
  const { id } = useParams({ strict: false });
  const opened = id === undefined ? null : Number(id);
  const navigate = useNavigate();
  const isPhone = useIsPhone();
  const isWide = useIsWide();
  const [isCardWanted, setCardWanted] = useState(() => storage.getItem("card") !== "off");
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const [focusTurn, setFocusTurn] = useState<number | null>(null);
  const [words, setWords] = useState(""); // outlives the list, which a phone hides meanwhile
  const [found, setFound] = useState<{ conversation: Id; message: Id } | null>(null);

  const search = { view, ...(channel === undefined ? {} : { channel }) };
  const setView = (next: View) =>
    void navigate({ to: ".", search: { ...search, view: next }, replace: true });
  const setChannel = (next: Id | null) =>
    void navigate({
      to: ".",
      search: { view, ...(next === null ? {} : { channel: next }) },
      replace: true,
    });
  const open = useCallback(
    (next: Id, withFocus: boolean, message: Id | null = null) => {
      setFound(message === null ? null : { conversation: next, message });
      setFocusTurn((turn) => (withFocus && !isPhone ? (turn ?? 0) + 1 : null));
      void navigate({ to: "/c/$id", params: { id: `${next}` }, search: (old) => old });
    },
    [navigate, isPhone],
  );
  const back = () => void navigate({ to: "/", search: (old) => old });
  const toggleCard = () => {
    if (!isWide) return setDrawerOpen(!isDrawerOpen);
    storage.setItem("card", isCardWanted ? "off" : "on");
    setCardWanted(!isCardWanted);
  };

  const hasCard = isWide ? isCardWanted : isDrawerOpen;
  return (
    <div
      className={styles.page}
      data-card={(isWide && isCardWanted && opened !== null) || undefined}
    >
      {!(isPhone && opened !== null) && (
        <ListPane
          view={view}
          channel={channel ?? null}
          opened={opened}
          words={words}
          onWords={setWords}
          onView={setView}
          onChannel={setChannel}
          onOpen={open}
        />
      )}
      {opened === null && !isPhone && (
        <section className={styles.none} aria-label={t`Conversation`}>
          <Empty
            icon={<IconMessages size={22} />}
            title={t`No conversation is open`}
            text={
              <Trans>
                Choose one on the left, or press <kbd>J</kbd> and <kbd>Enter</kbd>.
              </Trans>
            }
          />
        </section>
      )}
      {opened !== null && (
        <ChatPane
          id={opened}
          focusTurn={focusTurn}
          sought={found?.conversation === opened ? found.message : null}
          hasCard={hasCard}
          onCard={toggleCard}
          onBack={isPhone ? back : null}
        />
      )}
      {opened !== null && isWide && isCardWanted && <ContactCard conversation={opened} />}
      {opened !== null && !isWide && (
        <Drawer
          opened={isDrawerOpen}
          onClose={() => setDrawerOpen(false)}
          position="right"
          size={360}
          title={t`Contact details`}
          padding="md"
          closeButtonProps={{ "aria-label": t`Close` }}
        >
          <ContactCard conversation={opened} />
        </Drawer>
      )}
    </div>
  );
}
