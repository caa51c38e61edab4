/** Requests about the account and its tokens. All functions throw ApiError. */
import * as v from 'valibot';
import { read, send } from '#lib/api/fetching.ts';
import { errorOf } from '#lib/api/problems.ts';

const instant = v.pipe(v.string(), v.isoTimestamp());

export const Account = v.object({
  id: v.string(),
  email: v.string(),
  username: v.nullish(v.string(), null),
  created_at: instant,
});
export const Login = v.object({ access_token: v.string(), token_type: v.literal('bearer') });
export const Token = v.object({
  id: v.string(),
  /** A login ends with the session of a tab, a token is a program's. */
  kind: v.picklist(['login', 'token']),
  name: v.string(),
  scopes: v.array(v.string()),
  created_at: instant,
  expires_at: instant,
  last_used_at: v.nullish(instant, null),
  replaced_by: v.nullish(v.string(), null),
  /** False: the key of all tokens has changed since. */
  valid: v.boolean(),
  current: v.boolean(),
});
export const Tokens = v.object({ count: v.number(), items: v.array(Token) });
export const NewToken = v.object({ ...Token.entries, token: v.string() });

export type Account = v.InferOutput<typeof Account>;
export type Token = v.InferOutput<typeof Token>;
export type NewToken = v.InferOutput<typeof NewToken>;

export interface Wish {
  name: string;
  scopes: string[];
  expires_in_days: number;
}

async function sent(method: string, path: string, body?: URLSearchParams | string): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (typeof body === 'string') headers['Content-Type'] = 'application/json';
  const response = await send(path, { method, headers, body: body ?? null });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Creates an account; *invite* is a code that some installations ask for. */
export async function register(email: string, password: string, invite: string): Promise<Account> {
  const form = new URLSearchParams({ email, password, ...(invite && { invite }) });
  return read(await sent('POST', '/users/register', form), Account);
}

/** Returns a token for the password. */
export async function logIn(username: string, password: string): Promise<string> {
  const form = new URLSearchParams({ grant_type: 'password', username, password });
  return (await read(await sent('POST', '/token', form), Login)).access_token;
}

/** Ends the token that the reader is logged in with. */
export async function logOut(): Promise<void> {
  await sent('DELETE', '/tokens/current');
}

export async function account(): Promise<Account> {
  return read(await sent('GET', '/users/me'), Account);
}

export async function tokens(): Promise<Token[]> {
  return (await read(await sent('GET', '/tokens'), Tokens)).items;
}

export async function createToken(wish: Wish): Promise<NewToken> {
  return read(await sent('POST', '/tokens', JSON.stringify(wish)), NewToken);
}

/** Returns the token that takes the place of another, which stays good for *overlap* seconds. */
export async function rotateToken(id: string, overlap: number): Promise<NewToken> {
  return read(await sent('POST', `/tokens/${id}/rotate`, JSON.stringify({ overlap_seconds: overlap })), NewToken);
}

export async function revokeToken(id: string): Promise<void> {
  await sent('DELETE', `/tokens/${id}`);
}

/** Ends every login, also this one. */
export async function endSessions(): Promise<void> {
  await sent('DELETE', '/tokens');
}

/** Ends all other logins; returns what stays valid. */
export async function changePassword(password: string, wanted: string): Promise<Token[]> {
  const form = new URLSearchParams({ password, new_password: wanted });
  return (await read(await sent('POST', '/users/me/password', form), Tokens)).items;
}

export async function deleteAccount(password: string): Promise<void> {
  await sent('DELETE', '/users/me', new URLSearchParams({ password }));
}
