import { expect, it, vi } from "vitest";
import { ApiError, createRequest } from "./client.ts";

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.fn(
    async () =>
      new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers }),
  );

const ask = async (fetch: ReturnType<typeof answer>, onSignedOut?: () => void) =>
  createRequest({ fetch, ...(onSignedOut ? { onSignedOut } : {}) })(
    "POST",
    "/api/x",
    { a: 1 },
    { q: "ä b", none: null },
  );

it("sends the header that other sites cannot, and leaves out what is null", async () => {
  const fetch = answer(200, { ok: true });
  await expect(ask(fetch)).resolves.toEqual({ ok: true });
  const [url, init] = fetch.mock.calls[0] as unknown as [string, RequestInit];
  expect(url).toBe("/api/x?q=%C3%A4+b");
  expect(init.headers).toMatchObject({ "X-Omnibox": "1", "Content-Type": "application/json" });
});

it("an empty answer is no error", async () => {
  const fetch = vi.fn(async () => new Response(null, { status: 204 }));
  await expect(createRequest({ fetch })("POST", "/api/logout")).resolves.toBeUndefined();
});

it("a refusal carries code, message, cure, fields and the wait", async () => {
  const fields = [{ path: "settings.url", message: "Not a URL." }];
  const error = { code: "slow_down", message: "Too fast.", cure: "Wait.", fields };
  await expect(ask(answer(429, { error }, { "Retry-After": "7" }))).rejects.toMatchObject({
    status: 429,
    code: "slow_down",
    message: "Too fast.",
    cure: "Wait.",
    fields,
    retryAfterS: 7,
  });
});

it.each(["<html>Bad gateway</html>", "", "null", "[]"])(
  "a proxy's page «%s» is an error as well",
  async (body) => {
    await expect(ask(answer(502, body))).rejects.toMatchObject({ status: 502, code: "http_502" });
  },
);

it("no answer at all is «offline»", async () => {
  const fetch = vi.fn(async () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(ask(fetch)).rejects.toMatchObject({ status: 0, code: "offline" });
  await expect(ask(fetch)).rejects.toBeInstanceOf(ApiError);
});

it("tells of an ended session, not of a refused sign-in", async () => {
  const onSignedOut = vi.fn();
  await expect(
    ask(answer(401, { error: { code: "login_refused" } }), onSignedOut),
  ).rejects.toThrow();
  expect(onSignedOut).not.toHaveBeenCalled();
  await expect(ask(answer(401, { error: { code: "signed_out" } }), onSignedOut)).rejects.toThrow();
  expect(onSignedOut).toHaveBeenCalledOnce();
});
