/** Asking the recorder, with the token if one is wanted.

Invariant: the token is kept for this tab only and sent to the page's own server only.
*/

const TOKEN = "tick_logger.token";
const GIVE_UP_MS = 20_000;
const MOST_TRIES = 5; // what was asked for goes on being read meanwhile, for each next try to find it
const PAUSE_MS = 1_000;
let inMemory = null; // where the browser keeps nothing for pages

/** The recorder wants a token, or another one than it was given. */
export class TokenWanted extends Error {
  constructor(refused) {
    super("the recorder asks for a token");
    this.refused = refused;
  }
}

/** The recorder answered, with this status and perhaps a reason in words. */
export class Answered extends Error {
  constructor(status, reason) {
    super(`the recorder answered with status ${status}`);
    this.status = status;
    this.reason = reason;
  }
}

/** Nothing answered, or not to the end. */
export class Unreachable extends Error {}

export function token() {
  try {
    return sessionStorage.getItem(TOKEN) ?? inMemory;
  } catch {
    return inMemory; // storage is forbidden to this page: the token lives until it is reloaded
  }
}

export function keepToken(value) {
  inMemory = value;
  try {
    if (value === null) sessionStorage.removeItem(TOKEN);
    else sessionStorage.setItem(TOKEN, value);
  } catch {
    // As above.
  }
}

/** The answer of a path; raises TokenWanted, Answered, Unreachable or AbortError. */
export async function ask(path, { accept = "application/json", signal } = {}) {
  const sent = token();
  const headers = { Accept: accept };
  if (sent !== null) headers.Authorization = `Bearer ${sent}`;
  const answer = await fetch(path, { headers, signal, cache: "no-store", redirect: "error" }).catch(
    (error) => {
      throw error.name === "AbortError" ? error : new Unreachable("nothing answers at its address");
    },
  );
  if (answer.ok) return answer;
  if (answer.status === 401) {
    await answer.body?.cancel();
    throw new TokenWanted(sent !== null);
  }
  throw new Answered(answer.status, await reasonIn(answer));
}

/** Why it could not answer, as far as it says so. */
async function reasonIn(answer) {
  try {
    const { error } = await answer.json();
    return typeof error === "string" ? error : "";
  } catch {
    return "";
  }
}

/** The same, asked again where the recorder has no time for pages now (status 503): so often at most.

Each try may take GIVE_UP_MS; `onWait(error)` is called before the next one. Until `leave` is aborted.
*/
export async function askPatiently(path, parameters, leave, onWait) {
  for (let tried = 1; ; tried += 1) {
    try {
      const signal = AbortSignal.any([leave, AbortSignal.timeout(GIVE_UP_MS)]);
      return await askJson(path, parameters, signal);
    } catch (error) {
      if (!(error instanceof Answered) || error.status !== 503 || tried === MOST_TRIES) throw error;
      onWait(error);
      await new Promise((resume) => setTimeout(resume, PAUSE_MS));
      leave.throwIfAborted();
    }
  }
}

/** The JSON that a path answers with these parameters. */
export async function askJson(path, parameters, signal) {
  const answer = await ask(`${path}?${new URLSearchParams(parameters)}`, { signal });
  return answer.json();
}
