// How replies are asked for: what may be set, within which bounds, and where it is kept.

const place = "deepseek.settings";
const keyPlace = "deepseek.key"; // for as long as the tab is open: a key is no business of whoever uses the browser next

const none = { system: "", temperature: "", topP: "", maxTokens: "", seed: "", thinking: true };

/** The settings as they stand in the form: texts, empty where the model's own value holds. */
export function loadSettings() {
  const kept = read(localStorage, place);
  const settings = { ...none, key: sessionStorage.getItem(keyPlace) ?? "" };
  for (const name of Object.keys(none)) {
    if (typeof kept[name] === typeof none[name] && faultOf(name, kept[name]) === null)
      settings[name] = kept[name];
  }

  return settings;
}

export function saveSettings({ key, ...settings }) {
  localStorage.setItem(place, JSON.stringify(settings));
  if (key === "")
    sessionStorage.removeItem(keyPlace);
  else
    sessionStorage.setItem(keyPlace, key);
}

/** The settings with which a page begins; a key stays. */
export function defaultSettings(key) {
  return { ...none, key };
}

/** What is wrong with a setting, in a sentence; null where nothing is. */
export function faultOf(name, value) {
  const bounds = {
    temperature: ["Temperature", 0, 2, false, "a number from 0 to 2"],
    topP: ["Top-p", 0, 1, false, "a number from 0 to 1"],
    maxTokens: ["Longest reply", 1, 2 ** 31 - 1, true, "a whole number, 1 or more"],
    seed: ["Seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true, "a whole number of at most 15 digits"],
  }[name];
  if (name === "key")
    return /^[!-~]*$/.test(value.trim()) ? null : "The API key has a space, or a character that no key has; copy it again.";
  if (bounds === undefined || value.trim() === "")
    return null;
  const [label, least, most, whole, expected] = bounds;
  const number = numberOf(value);
  return number >= least && number <= most && (!whole || Number.isInteger(number))
    ? null
    : `${label} is ${value.trim().slice(0, 40)}; it must be ${expected}, or empty.`;
}

/** The members of a request that the settings ask for. */
export function requestOf(settings) {
  const request = {};
  const put = (member, value) => {
    if (value.trim() !== "")
      request[member] = numberOf(value);
  };
  put("temperature", settings.temperature);
  put("top_p", settings.topP);
  put("max_tokens", settings.maxTokens);
  put("seed", settings.seed);
  if (!settings.thinking)
    request.reasoning_effort = "none";
  return request;
}

// Hexadecimal digits and infinities are numbers to JavaScript, and mistakes here.
function numberOf(value) {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : Number.NaN;
}

function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(name)) ?? {};
  } catch {
    return {}; // what an older page kept, or a person changed
  }
}
