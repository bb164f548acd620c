/** Requests with the visitor's token, which travels in a header, never in an address. */

import type { Chat } from "../types.ts";

export const urlOf = ({ base, data }: Chat, path: string, query = "") =>
  `${base}${path}?site=${data.site}${query}`;
export const tokenOf = ({ storage }: Chat) => `Bearer ${storage.getItem("token") ?? ""}`;

/** The answer's body; throws the status of a refusal. */
export async function answerTo(chat: Chat, path: string, query?: string): Promise<Response> {
  const headers = { Authorization: tokenOf(chat) };
  const answer = await fetch(urlOf(chat, path, query), { headers, credentials: "omit" });
  if (!answer.ok) throw answer.status;
  return answer;
}
