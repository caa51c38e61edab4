/** Reactive clock in the service's time, updated each second while read. */
import { createSubscriber } from 'svelte/reactivity';

class Clock {
  /** How far the service's clock is ahead of this device's, in milliseconds. */
  #ahead = $state(0);
  #watch = createSubscriber((update) => {
    const timer = setInterval(update, 1000);
    return () => clearInterval(timer);
  });

  /** Milliseconds since 1970 by the service's clock. */
  get now(): number {
    this.#watch();
    return Date.now() + this.#ahead;
  }

  /** Sets this clock by an instant that the service has just named. Less than a few seconds is the way it travelled. */
  setBy(instant: string): void {
    const ahead = Date.parse(instant) - Date.now();
    this.#ahead = Math.abs(ahead) > 5000 ? ahead : 0;
  }
}

export const clock = new Clock();
