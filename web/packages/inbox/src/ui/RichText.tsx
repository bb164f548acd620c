import { useLingui } from "@lingui/react/macro";
import { Fragment } from "react";
import styles from "./RichText.module.css";

// Every run is bounded: a long text without spaces must not be searched again from each of its letters.
const PATTERN =
  /(https?:\/\/[^\s<>"']{1,2000}[^\s<>"'.,;:!?)\]])|([^\s<>"'@]{1,64}@[^\s<>"'@]{1,190}\.[a-z]{2,24})|(•(?:[\s.-]{0,2}•){7,17}(?:[\s.-]{0,2}\d){4})/giu;

export interface Piece {
  kind: "text" | "url" | "email" | "card";
  text: string;
}

/** Cuts a text at addresses and hidden card numbers; joined again the pieces are the text. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(PATTERN)) {
    if (match.index > end) pieces.push({ kind: "text", text: text.slice(end, match.index) });
    const kind = match[1] ? "url" : match[2] ? "email" : "card";
    pieces.push({ kind, text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ kind: "text", text: text.slice(end) });
  return pieces;
}

const REL = "noopener noreferrer nofollow ugc";

function Card({ text }: { text: string }) {
  const { t } = useLingui();
  const digits = text.replace(/\D/g, "");
  return (
    <span className={styles.card} title={t`Card number hidden`}>
      <span aria-hidden="true">{text}</span>
      <span className="visually-hidden">{t`Card number hidden, ends in ${digits}`}</span>
    </span>
  );
}

/** A message's plain text: links open in a new tab, hidden card numbers are chips, nothing else is markup. */
export const RichText = ({ text }: { text: string }) => (
  <span className={styles.text} dir="auto">
    {piecesOf(text).map((piece, index) => {
      // Pieces never move: the position is their name.
      const key = `${index}`;
      if (piece.kind === "card") return <Card key={key} text={piece.text} />;
      if (piece.kind === "text") return <Fragment key={key}>{piece.text}</Fragment>;
      const href = piece.kind === "url" ? piece.text : `mailto:${piece.text}`;
      return (
        <a key={key} href={href} target="_blank" rel={REL}>
          {piece.text}
        </a>
      );
    })}
  </span>
);
