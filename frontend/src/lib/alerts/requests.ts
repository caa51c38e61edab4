/** Requests about alerts, channels and firings. Everything here throws ApiError. */
import * as v from 'valibot';
import type { AlertRequest, Kind } from '#lib/alerts/draft.ts';
import { Alert, NOW_AND_THEN } from '#lib/api/alerts.ts';
import { ask, read, send } from '#lib/api/fetching.ts';
import { errorOf } from '#lib/api/problems.ts';
import { resource } from '#lib/api/resources.ts';

const instant = v.pipe(v.string(), v.isoTimestamp());

export const Channel = v.object({
  id: v.string(),
  kind: v.picklist(['webhook', 'push', 'email', 'apprise']),
  name: v.string(),
  /** Where it leads, shortened. */
  target: v.string(),
  state: v.picklist(['unconfirmed', 'active', 'disabled']),
  secret_valid: v.boolean(),
  last_error: v.nullable(v.string()),
  last_delivered_at: v.nullable(instant),
  pending: v.number(),
});
export const Channels = v.object({
  count: v.number(),
  limit: v.number(),
  kinds: v.array(v.object({ kind: Channel.entries.kind, available: v.boolean(), reason: v.nullable(v.string()) })),
  /** applicationServerKey of push subscriptions, base64url. */
  push_key: v.nullable(v.string()),
  items: v.array(Channel),
});
/** A webhook's secret is shown once; other kinds have none. */
export const NewChannel = v.object({ ...Channel.entries, secret: v.nullish(v.string(), null) });
export const Delivery = v.object({
  channel: v.string(),
  state: v.picklist(['pending', 'delivered', 'failed']),
  attempts: v.number(),
  next_attempt_at: v.nullable(instant),
  delivered_at: v.nullable(instant),
  error: v.nullable(v.string()),
});
export const Firing = v.object({
  id: v.string(),
  alert: v.string(),
  sentence: v.string(),
  kind: v.picklist(['fired', 'corrected']),
  /** The firing that it corrects. */
  corrects: v.nullable(v.string()),
  /** True when it has been corrected. */
  corrected: v.boolean(),
  text: v.string(),
  ticker: v.string(),
  bar: v.object({ start: instant, end: instant, link: v.string() }),
  fired_at: instant,
  deliveries: v.array(Delivery),
});
export const Firings = v.object({
  count: v.number(),
  next_cursor: v.nullable(v.string()),
  items: v.array(Firing),
});
export const TestResult = v.object({ delivered: v.boolean(), error: v.nullable(v.string()) });

export type Channel = v.InferOutput<typeof Channel>;
export type Channels = v.InferOutput<typeof Channels>;
export type NewChannel = v.InferOutput<typeof NewChannel>;
export type Delivery = v.InferOutput<typeof Delivery>;
export type Firing = v.InferOutput<typeof Firing>;
export type TestResult = v.InferOutput<typeof TestResult>;

export type ChannelRequest =
  | { kind: 'webhook' | 'apprise'; name: string; url: string }
  | { kind: 'email'; name: string; email: string }
  | { kind: 'push'; name: string; subscription: PushSubscriptionJSON };

export const channels = () => resource('/alerts/channels', Channels, NOW_AND_THEN);
export const firings = () => resource('/alerts/firings?limit=20', Firings, NOW_AND_THEN);

async function sent(method: string, path: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (body) headers['Content-Type'] = 'application/json';
  const response = await send(path, { method, headers, body: body ? JSON.stringify(body) : null });
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function createAlert(kind: Kind, request: AlertRequest): Promise<Alert> {
  const { ticker, list, ...rest } = request;
  return read(await sent('POST', '/alerts', { kind, ...(list === null ? { ticker } : { list }), ...rest }), Alert);
}

/** Changes an alert; parts that its kind does not have are left out. */
export async function changeAlert(id: string, request: Partial<AlertRequest> & { state?: string }): Promise<Alert> {
  const given = Object.entries(request).filter(
    ([name, value]) => value !== null || name === 'channels' || name === 'amount',
  );
  return read(await sent('PATCH', `/alerts/${id}`, Object.fromEntries(given)), Alert);
}

export async function deleteAlert(id: string): Promise<void> {
  await sent('DELETE', `/alerts/${id}`);
}

/** Returns the firings before those of an earlier answer. */
export async function moreFirings(cursor: string): Promise<v.InferOutput<typeof Firings>> {
  const { data } = await ask(`/alerts/firings?limit=50&cursor=${encodeURIComponent(cursor)}`, Firings);
  return data ?? { count: 0, next_cursor: null, items: [] };
}

export async function createChannel(request: ChannelRequest): Promise<NewChannel> {
  return read(await sent('POST', '/alerts/channels', request), NewChannel);
}

/** Returns the channel after *code*, which its mail has, was checked. */
export async function confirmChannel(id: string, code: string): Promise<Channel> {
  return read(await sent('POST', `/alerts/channels/${id}/confirm`, { code }), Channel);
}

export async function changeChannel(id: string, change: { name?: string; state?: string }): Promise<Channel> {
  return read(await sent('PATCH', `/alerts/channels/${id}`, change), Channel);
}

export async function deleteChannel(id: string): Promise<void> {
  await sent('DELETE', `/alerts/channels/${id}`);
}

export async function renewSecret(id: string): Promise<NewChannel> {
  return read(await sent('POST', `/alerts/channels/${id}/secret`), NewChannel);
}

export async function testChannel(id: string): Promise<TestResult> {
  return read(await sent('POST', `/alerts/channels/${id}/test`), TestResult);
}
