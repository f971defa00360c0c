// Measures the contracts' lines and branches and fails where a test is missing.
// Usage: npm run coverage
import { readFileSync } from "node:fs";
import { exit, stderr, stdout } from "node:process";
import { join } from "node:path";
import { forge, root } from "./unoptimised.js";

const report = join(root, "cache", "unoptimised", "lcov.info");
const left_out = "Invariants|Gas"; // random walks and costs prove nothing about a single branch
const status = forge(["coverage", "--report", "lcov", "--report-file", report, "--no-match-contract", left_out]);
if (status !== 0) exit(status ?? 1);

const missing = [];
const counts = { lines: 0, branches: 0 };
let file = "";
for (const line of readFileSync(report, "utf8").split("\n")) {
  if (line.startsWith("SF:")) file = line.slice(3);
  if (!/^contracts\/[^/]+\.sol$/.test(file)) continue;
  const [kind, rest = ""] = line.split(":");
  const values = rest.split(",");
  if (kind !== "DA" && kind !== "BRDA") continue;
  counts[kind === "DA" ? "lines" : "branches"] += 1;
  const taken = values[kind === "DA" ? 1 : 3];
  if (taken === "0" || taken === "-") missing.push(`${file}:${values[0]} ${kind === "DA" ? "line" : "branch"}`);
}
if (counts.lines === 0 || counts.branches === 0) throw new Error("The report holds no lines or no branches.");
stdout.write(`${counts.lines} lines and ${counts.branches} branches of the contracts, ${missing.length} not reached\n`);
for (const entry of missing) stderr.write(`${entry}\n`);
exit(missing.length === 0 ? 0 : 1);
