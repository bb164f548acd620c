/** The chunks that the panel loads when they are needed, each once. */

import type * as Extra from "../extra.ts";
import type * as Mask from "../mask.ts";

declare const __EXTRA__: string;
declare const __MASK__: string;

const loading = new Map<string, Promise<unknown>>();

/** Rejects without a net; the next call tries again. */
function load<T>(base: string, asset: string): Promise<T> {
  const chunk = (loading.get(asset) ?? import(/* @vite-ignore */ base + asset)) as Promise<T>;
  loading.set(asset, chunk);
  chunk.catch(() => loading.delete(asset));
  return chunk;
}

export const loadExtra = (base: string) => load<typeof Extra>(base, __EXTRA__);
export const loadMask = (base: string) => load<typeof Mask>(base, __MASK__);
