/** Who wants to know of what: one event repaints only what listens to its topics. */

export interface Topics {
  on(topic: string, run: () => void): () => void;
  /** Notes the topics; listeners run once each when the outermost `batch` ends. */
  touch(...names: string[]): void;
  batch<T>(work: () => T): T;
}

export function createTopics(): Topics {
  const listeners = new Map<string, Set<() => void>>();
  const touched = new Set<string>();
  let depth = 0;

  const ring = () => {
    const runs = new Set<() => void>();
    for (const topic of touched) for (const run of listeners.get(topic) ?? []) runs.add(run);
    touched.clear();
    for (const run of runs) run();
  };

  const batch = <T>(work: () => T): T => {
    depth++;
    try {
      return work();
    } finally {
      depth--;
      if (depth === 0 && touched.size) ring();
    }
  };

  return {
    on: (topic, run) => {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(run));
      return () => {
        set.delete(run);
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic);
      };
    },
    touch: (...names) => {
      batch(() => {
        for (const name of names) touched.add(name);
      });
    },
    batch,
  };
}
