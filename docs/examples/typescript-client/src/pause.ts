import { performance } from "node:perf_hooks";

/** Wait so many milliseconds, and not a part of one less: timers of Node may fire early. */
export async function pause(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.ceil(left), 2 ** 31 - 1)));
  }
}
