// Compiles the contracts with Hardhat and writes what running Piste needs of them.
// Usage: npm run build    or: node contracts/tools/artifacts.js FILE
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { argv, chdir, exit, stderr } from "node:process";
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";

const root = fileURLToPath(new URL("../../", import.meta.url));
const verifiers = "@openzeppelin/contracts/utils/cryptography/verifiers";
const packaged = {
  CheckNotes: "contracts/CheckNotes.sol",
  Consortium: "contracts/Consortium.sol",
  ERC7913P256Verifier: `${verifiers}/ERC7913P256Verifier.sol`,
  ERC7913WebAuthnVerifier: `${verifiers}/ERC7913WebAuthnVerifier.sol`,
  EvidenceLog: "contracts/EvidenceLog.sol",
  Inbox: "contracts/Inbox.sol",
  MaterialCertificates: "contracts/MaterialCertificates.sol",
  ReleaseDecisions: "contracts/ReleaseDecisions.sol",
};

const file = argv[2];
if (file === undefined) {
  stderr.write("usage: node contracts/tools/artifacts.js FILE\n");
  exit(2);
}
const target = resolve(file);
// Hardhat takes the project from the working directory.
chdir(root);
const { default: hre } = await import("hardhat");
await hre.tasks.getTask("build").run({ quiet: true, force: true, noTests: true });

/** What the compiler says it did, the same for every contract. */
async function effectiveSettings(artifacts) {
  const accounts = new Set();
  for (const artifact of artifacts) {
    const output = JSON.parse(await readFile(await hre.artifacts.getBuildInfoOutputPath(artifact.buildInfoId), "utf8"));
    const contract = output.output.contracts[artifact.inputSourceName][artifact.contractName];
    const { compiler, settings } = JSON.parse(contract.metadata);
    accounts.add(
      JSON.stringify({
        bytecodeHash: settings.metadata.bytecodeHash,
        evmVersion: settings.evmVersion,
        optimizer: settings.optimizer,
        version: compiler.version,
        viaIR: settings.viaIR ?? false,
      }),
    );
  }
  if (accounts.size !== 1) throw new Error(`The contracts were built in ${accounts.size} different ways.`);
  return JSON.parse([...accounts][0]);
}

const artifacts = [];
for (const [name, source] of Object.entries(packaged)) {
  artifacts.push(await hre.artifacts.readArtifact(`${source}:${name}`));
}
const contracts = Object.fromEntries(
  artifacts.map(({ contractName, abi, bytecode }) => [contractName, { abi, bytecode }]),
);
writeFileSync(target, `${JSON.stringify({ compiler: await effectiveSettings(artifacts), contracts }, null, 1)}\n`);
