/** Parser of a stream of server-sent events (HTML Standard, section 9.2.6), as far as the service sends them. */

export interface ServerEvent {
  name: string;
  id: string;
  data: string;
}

export interface Parsed {
  events: ServerEvent[];
  /** The newest `retry`, in milliseconds; null without one. */
  retry: number | null;
}

/** Most characters of an event that has not ended: the service's have some hundred. */
const MOST = 20_000;

export class EventParser {
  #rest = '';

  /** Returns what *chunk*, the next piece of the stream, completes. Throws Error when an event is endless. */
  push(chunk: string): Parsed {
    const blocks = (this.#rest + chunk.replaceAll('\r\n', '\n')).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > MOST) throw new Error('An event of the stream has no end.');
    const parsed: Parsed = { events: [], retry: null };
    for (const block of blocks) {
      const event = { name: 'message', id: '', data: '' };
      for (const line of block.split('\n')) {
        const [field, value] = fieldOf(line);
        if (field === 'event') event.name = value;
        else if (field === 'id') event.id = value;
        else if (field === 'data') event.data += value;
        else if (field === 'retry' && /^\d{1,9}$/.test(value)) parsed.retry = Number(value);
      }
      if (event.data) parsed.events.push(event);
    }
    return parsed;
  }
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
