import { fileURLToPath } from "node:url";
import { defineConfig } from "hardhat/config";
import { definePlugin } from "hardhat/plugins";

// Nothing that a build or a test run does is anybody else's business; Hardhat would also stop and ask.
process.env.HARDHAT_DISABLE_TELEMETRY = "true";

// A warning stops the build, in the contracts and in their tests.
const warningsAreErrors = definePlugin({
  id: "piste:warnings-are-errors",
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        invokeSolc: async (context, compiler, input, config, next) => {
          const output = await next(context, compiler, input, config);
          for (const finding of output.errors ?? []) {
            if (finding.severity === "warning") finding.severity = "error";
          }
          return output;
        },
      }),
    }),
  },
});

// The compiler comes with `npm ci`; without a path Hardhat would try to download it.
const compiler = {
  version: "0.8.37",
  path: fileURLToPath(import.meta.resolve("solc/soljson.js")),
  settings: {
    evmVersion: "osaka",
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none" },
    // The compiler's own account of the settings that it used; contracts/tools/artifacts.js keeps it.
    outputSelection: { "*": { "*": ["metadata"] } },
  },
};

export default defineConfig({
  plugins: [warningsAreErrors],
  solidity: {
    profiles: { default: compiler, production: compiler },
    npmFilesToBuild: [
      "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913P256Verifier.sol",
      "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913WebAuthnVerifier.sol",
    ],
  },
  paths: {
    sources: "contracts",
    tests: { solidity: "contracts/test" },
    cache: "cache/hardhat",
    artifacts: "artifacts",
  },
  networks: {
    default: { type: "edr-simulated", hardfork: "osaka" },
  },
  test: {
    solidity: {
      fuzz: { runs: 64 },
      invariant: { runs: 16, depth: 32, failOnRevert: true },
    },
  },
});
