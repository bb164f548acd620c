import { Trans, useLingui } from "@lingui/react/macro";
import type { Message, Offer, OfferedButton, OfferedCard } from "@omnibox/api";
import { IconCheck, IconExternalLink, IconHandClick, IconPhoto } from "@tabler/icons-react";
import { useThread } from "../../app/live.ts";
import styles from "./Offered.module.css";
import { choiceOf, chosenOf } from "./offer.ts";

const NONE: ReadonlySet<number> = new Set();

function Choice({ button, isChosen }: { button: OfferedButton; isChosen: boolean }) {
  const { t } = useLingui();
  if (button.url)
    return (
      <a className={styles.choice} href={button.url} target="_blank" rel="noreferrer noopener">
        <IconExternalLink size={13} aria-hidden="true" />
        <bdi>{button.title}</bdi>
      </a>
    );
  return (
    <span className={styles.choice} data-chosen={isChosen || undefined}>
      {isChosen && <IconCheck size={13} aria-label={t`Chosen`} />}
      <bdi>{button.title}</bdi>
    </span>
  );
}

interface ListProps {
  buttons: readonly OfferedButton[];
  /** The number of the first of them. */
  from: number;
  chosen: ReadonlySet<number>;
}

const List = ({ buttons, from, chosen }: ListProps) => (
  <ul className={styles.choices}>
    {buttons.map((button, place) => (
      <li key={button.title}>
        <Choice button={button} isChosen={chosen.has(from + place)} />
      </li>
    ))}
  </ul>
);

function Card({
  card,
  from,
  chosen,
}: {
  card: OfferedCard;
  from: number;
  chosen: ListProps["chosen"];
}) {
  const { title, subtitle, image_url, buttons } = card;
  return (
    <li className={styles.card}>
      <strong>{title}</strong>
      {subtitle && <span className={styles.subtitle}>{subtitle}</span>}
      {image_url && (
        <a className={styles.picture} href={image_url} target="_blank" rel="noreferrer noopener">
          <IconPhoto size={13} aria-hidden="true" />
          <Trans>Picture</Trans>
        </a>
      )}
      {buttons.length > 0 && <List buttons={buttons} from={from} chosen={chosen} />}
    </li>
  );
}

/** What a reply offered, with what was chosen of it. */
export function Choices({ offer, chosen = NONE }: { offer: Offer; chosen?: ReadonlySet<number> }) {
  const { t } = useLingui();
  const { quick_replies, buttons, cards } = offer;
  let from = quick_replies.length + buttons.length;
  const places = cards.map((card) => {
    const place = { card, from };
    from += card.buttons.length;
    return place;
  });
  const replies = quick_replies.map((title) => ({ title, url: "" }));
  return (
    <section className={styles.offered} aria-label={t`Choices`}>
      {cards.length > 0 && (
        <ul className={styles.cards}>
          {places.map(({ card, from }) => (
            <Card key={from + card.title} card={card} from={from} chosen={chosen} />
          ))}
        </ul>
      )}
      {buttons.length > 0 && <List buttons={buttons} from={replies.length} chosen={chosen} />}
      {replies.length > 0 && <List buttons={replies} from={0} chosen={chosen} />}
    </section>
  );
}

export function Offered({ message, offer }: { message: Message; offer: Offer }) {
  const { messages } = useThread(message.conversation);
  return <Choices offer={offer} chosen={chosenOf(message.id, messages)} />;
}

/** That a message is a choice, and of what. */
export function ChosenFrom({
  message,
  chosen,
}: {
  message: Message;
  chosen: NonNullable<Message["chosen"]>;
}) {
  const { messages } = useThread(message.conversation);
  const offering = messages.find(({ id }) => id === chosen.message);
  const asked = offering?.text.split("\n", 1)[0];
  const title = offering?.offer && choiceOf(offering.offer, chosen.choice);
  const isOtherwise = title && title !== message.text;
  return (
    <p className={styles.from}>
      <IconHandClick size={13} aria-hidden="true" />
      <span className="clip">
        {isOtherwise ? <Trans>Chosen: {title}</Trans> : <Trans>Chosen</Trans>}
        {asked && (
          <>
            {" · "}
            <bdi>{asked}</bdi>
          </>
        )}
      </span>
    </p>
  );
}
