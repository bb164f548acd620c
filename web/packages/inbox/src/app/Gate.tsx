import { useLingui } from "@lingui/react/macro";
import { ApiError } from "@omnibox/api";
import { followPage } from "@omnibox/realtime";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Failed } from "../ui/States.tsx";
import { setDraftOwner } from "./drafts.ts";
import { useMaybeDesk } from "./live.ts";
import { Shell } from "./Shell.tsx";
import { useServices } from "./services.ts";

const SignIn = lazy(() => import("../features/auth/SignIn.tsx"));

type Entry = "asking" | "signed_out" | { error: unknown };

/** Lets in whoever has a session; asks everybody else to sign in, at whatever address they came to. */
export function Gate() {
  const { t } = useLingui();
  const { sync, store } = useServices();
  const desk = useMaybeDesk();
  const [entry, setEntry] = useState<Entry>("asking");

  const enter = useCallback(async () => {
    try {
      await sync.start(() => setDraftOwner(store.desk()?.me.id ?? 0));
      followPage(sync.feed, window);
    } catch (error) {
      const isSignedOut = error instanceof ApiError && error.status === 401;
      setEntry(isSignedOut ? "signed_out" : { error });
    }
  }, [sync, store]);

  useEffect(() => {
    void enter();
  }, [enter]);

  if (desk) return <Shell />;
  if (entry === "asking") return null;
  if (entry === "signed_out")
    return (
      <Suspense>
        <SignIn onDone={() => void enter()} />
      </Suspense>
    );
  return <Failed what={t`Server not reachable`} error={entry.error} onRetry={() => void enter()} />;
}
