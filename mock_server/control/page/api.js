// Asks the control API. The token comes in the fragment of the address, which is sent to nobody, and stays in this tab.

const KEPT = "flare-mock-token";

const fromAddress = new URLSearchParams(location.hash.slice(1)).get("token");
if (fromAddress !== null) {
  sessionStorage.setItem(KEPT, fromAddress);
  history.replaceState(null, "", location.pathname);
}

export const keepToken = (token) => sessionStorage.setItem(KEPT, token);

export class Problem extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const headers = () => {
  const token = sessionStorage.getItem(KEPT);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

const request = async (method, path, body, signal) => {
  const given = { method, headers: headers(), cache: "no-store", signal };
  if (body !== undefined) {
    given.headers["Content-Type"] = "application/json";
    given.body = JSON.stringify(body);
  }
  const answer = await fetch(`/v1/${path}`, given);
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, problem.detail ?? `${answer.status} ${answer.statusText}`);
  }
  return answer;
};

export const ask = async (method, path, body) => {
  const answer = await request(method, path, body);
  return answer.status === 204 ? null : answer.json();
};

export const get = (path, query = {}) => {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== "" && one !== undefined) given.append(name, one);
  }
  const words = given.toString();
  return ask("GET", words ? `${path}?${words}` : path);
};

export const fetchFile = async (path) => (await request("GET", path)).blob();

// Calls `onChange` with the number of each part, whenever one changes; returns once the connection ends.
export const follow = async (onChange) => {
  const answer = await request("GET", "changes");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) await onChange(JSON.parse(data.slice(6)));
    }
  }
};
