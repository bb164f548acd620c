import type { Id, Row } from "@omnibox/api";
import { lazy, type ReactNode, Suspense, useState } from "react";

const PickConversation = lazy(() =>
  import("./PickConversation.tsx").then((chunk) => ({ default: chunk.PickConversation })),
);

interface Question {
  row: Row;
  title: string;
  onPick: (into: Id) => void;
}

/** Asks for a conversation: `dialog` is to be shown, and is loaded when `ask` is first called. */
export function usePick(): { ask: (question: Question) => void; dialog: ReactNode } {
  const [question, setQuestion] = useState<Question | null>(null);
  const close = () => setQuestion(null);
  const dialog = question && (
    <Suspense>
      <PickConversation
        row={question.row}
        title={question.title}
        onClose={close}
        onPick={(into) => {
          close();
          question.onPick(into);
        }}
      />
    </Suspense>
  );
  return { ask: setQuestion, dialog };
}
