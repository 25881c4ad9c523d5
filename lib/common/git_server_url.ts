/**
 * URLs of git servers that strangers name, in one form that every program reads alike.
 *
 * @module
 */

/** The part of a git:// URL that comes before the path (gitprotocol-pack(5)). */
const GIT = /^git:\/\/([^/\\?#@\s]{1,300})(\/[^\\\s]{1,2000})$/i;
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROL = /[\x00-\x20\x7f]/;

/**
 * A URL as `URL` writes it, so that git and curl can't read another host in it: of
 * `http://a.example\@127.0.0.1/` they don't agree. Undefined for what is no http, https or git URL, or
 * has a user or password in it.
 */
export function gitServerUrl(text: string): string | undefined {
  if (CONTROL.test(text)) return undefined;
  const git = GIT.exec(text);
  if (git) {
    const url = URL.parse(`http://${git[1]}/`);
    if (!url || url.href !== `http://${url.host}/` || url.port === "0") return undefined;
    // A port of 80 is not git's own, and `URL` leaves it out.
    const port = url.port === "" && /:0*80$/.test(git[1]!) ? "80" : url.port;
    return `git://${url.hostname}${port === "" ? "" : `:${port}`}${git[2]}`;
  }
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol) || url.port === "0") return undefined;
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  return url.href;
}

/** Host, without brackets, and port of a {@linkcode gitServerUrl}. */
export function hostOf(url: string): { readonly host: string; readonly port: number } {
  const { protocol } = new URL(url);
  const { hostname, port } = new URL(url.replace(/^git:/, "http:"));
  const usual = protocol === "https:" ? 443 : protocol === "http:" ? 80 : 9418;
  // "http:" hides a port of 80 that is not git's own.
  const written = /^git:\/\/[^/]*:80\//.test(url) ? 80 : Number(port) || usual;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: written };
}
