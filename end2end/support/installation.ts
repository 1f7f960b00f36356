// An installation of a test file's own: the real binary, a simulated provider, an empty database.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const binary = process.env.TRIBUTARY_BINARY ?? "tributary";
const READY_DEADLINE_MS = 20_000;

/** Who looks at the console, unless a story says otherwise. */
export const ADMIN = "ana@company.example";
export const PASSWORD = "correct horse battery";

export type Tenant = { id: string; name: string; secret?: string; simulated?: string };

export class Installation {
  private constructor(
    readonly folder: string,
    readonly console: string,
    readonly provider: string,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly processes: ChildProcess[],
  ) {}

  /** `simulated` are the provider's tenants, as `tributary simulate --tenant` takes them. */
  static async start(simulated: string[] = []): Promise<Installation> {
    const folder = await mkdtemp(join(tmpdir(), "tributary-"));
    const listen = `127.0.0.1:${await freePort()}`;
    const provider = `127.0.0.1:${await freePort()}`;
    const environment = {
      PATH: process.env.PATH,
      HOME: folder,
      TRIBUTARY_DATABASE_URL: `sqlite://${folder}/tributary.db`,
      TRIBUTARY_LISTEN: listen,
      TRIBUTARY_SITE_ROOT: process.env.TRIBUTARY_SITE_ROOT ?? join(__dirname, "../../target/site"),
      TRIBUTARY_REQUESTS_PER_MINUTE: "0",
      TRIBUTARY_ALLOW_HOSTS: "127.0.0.1",
      TRIBUTARY_RETRY_BACKOFF: "0s,0s,0s,0s",
      TRIBUTARY_LOG: "warn",
    };
    const installation = new Installation(folder, `http://${listen}`, `http://${provider}`, environment, []);
    const tenants = (simulated.length > 0 ? simulated : ["unused:users=1"]).flatMap((tenant) => ["--tenant", tenant]);
    await installation.launch(["simulate", "--listen", provider, "--seed", "7", ...tenants]);
    await installation.addAccount(ADMIN, "admin");
    return installation;
  }

  /** Starts the console; with `--no-worker` only what a test asks for is synced. */
  async serve(...options: string[]): Promise<void> {
    await this.launch(["serve", ...options]);
    await until(`${this.console}/readyz`);
  }

  /** Someone who logs in with `PASSWORD`. */
  async addAccount(email: string, role: "admin" | "csm"): Promise<void> {
    const file = join(this.folder, "password");
    await writeFile(file, PASSWORD);
    await this.tributary("account", "add", "--email", email, "--role", role, "--password-file", file);
    await rm(file);
  }

  async connect(tenant: Tenant): Promise<void> {
    const secretFile = join(this.folder, "secret");
    await writeFile(secretFile, tenant.secret ?? "simulated-secret");
    await this.tributary(
      ...["connection", "add", "--tenant-id", tenant.id, "--name", tenant.name],
      ...["--base-url", this.provider, "--client-id", tenant.simulated ?? tenant.id],
      ...["--client-secret-file", secretFile],
    );
    await rm(secretFile);
  }

  /** Runs a command; its standard output, parsed if it is JSON. A command that fails is an error with its message. */
  async tributary(...parts: string[]): Promise<any> {
    const { stdout } = await run(binary, parts, { env: this.environment });
    return parts.includes("--json") ? JSON.parse(stdout) : stdout;
  }

  /** One sync in the foreground; its run, whether it completed or failed. */
  async sync(tenant: string): Promise<any> {
    try {
      return await this.tributary("sync", tenant, "--json");
    } catch (error: any) {
      if (error.stdout) return JSON.parse(error.stdout);
      throw error;
    }
  }

  async truth(tenant: string): Promise<Record<string, { valid: number; invalid: number }>> {
    const answer = await fetch(`${this.provider}/__truth/${tenant}`);
    return (await answer.json()).streams;
  }

  async stop(): Promise<void> {
    const ended = this.processes.map((process) => new Promise((resolve) => process.once("exit", resolve)));
    for (const process of this.processes) process.kill("SIGTERM");
    await Promise.all(ended);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async launch(parts: string[]): Promise<void> {
    const process = spawn(binary, parts, { env: this.environment, stdio: ["ignore", "inherit", "inherit"] });
    this.processes.push(process);
    if (parts[0] === "simulate") await until(`${this.provider}/__truth/`, () => true);
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(address)));
    });
  });
}

async function until(url: string, good: (answer: Response) => boolean = (answer) => answer.ok): Promise<void> {
  const deadline = Date.now() + READY_DEADLINE_MS;
  for (;;) {
    try {
      if (good(await fetch(url))) return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${url} did not answer within ${READY_DEADLINE_MS} ms: ${error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
