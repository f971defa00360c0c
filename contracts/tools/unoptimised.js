// Runs forge over unoptimised builds, whose source maps tell branches apart; compiles in a tenth of the time, too.
// OpenZeppelin's P256 does not compile without the optimiser (stack too deep): a copy under cache/ leaves out the one
// function at fault, which only a network without the precompile for P-256 needs; the tests run with it.
// Usage: node contracts/tools/unoptimised.js test …    or: … coverage …
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { argv, env, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const cache = join(root, "cache", "unoptimised");

/** The text with the assembly block of one function replaced by a revert. */
function without(text, name) {
  const start = text.indexOf("assembly", text.indexOf(`function ${name}(`));
  let depth = 0;
  for (let place = start; place < text.length; place += 1) {
    if (text[place] === "{") depth += 1;
    if (text[place] === "}") {
      depth -= 1;
      if (depth === 0) return `${text.slice(0, start)}revert();${text.slice(place + 1)}`;
    }
  }
  throw new Error(`P256.sol has no function ${name} with an assembly block.`);
}

/** Runs forge and hands back its exit status. */
export function forge(args) {
  const library = join(cache, "@openzeppelin");
  rmSync(library, { recursive: true, force: true });
  cpSync(join(root, "node_modules", "@openzeppelin"), library, { recursive: true, preserveTimestamps: true });
  const file = join(library, "contracts", "utils", "cryptography", "P256.sol");
  writeFileSync(file, without(readFileSync(file, "utf8"), "_jAdd"));
  const settings = {
    FOUNDRY_REMAPPINGS: "@openzeppelin/=cache/unoptimised/@openzeppelin/",
    FOUNDRY_DENY: "never", // what follows the revert cannot be reached
    FOUNDRY_OPTIMIZER: "false",
    FOUNDRY_OUT: join(cache, "out"),
    FOUNDRY_CACHE_PATH: join(cache, "cache"),
  };
  return spawnSync(join(root, "node_modules", ".bin", "forge"), args, {
    cwd: root,
    env: { ...env, ...settings },
    stdio: "inherit",
  }).status;
}

if (fileURLToPath(import.meta.url) === argv[1]) exit(forge(argv.slice(2)) ?? 1);
