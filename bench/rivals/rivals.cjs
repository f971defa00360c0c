// The others, deployed on the benchmark's own node from their own npm packages and asked line by line.
//
// Usage: node rivals.cjs URL SECRET. Each line on standard input is a request in JSON, each line on standard output its
// answer: {"do": "gas", "batch": 50} or {"do": "verify", "count": 10}.

"use strict";

const readline = require("node:readline");

const { ethers } = require("ethers");
const { JsonRpcProvider, Network } = require("ethers6");
const eas = require("@ethereum-attestation-service/eas-contracts/artifacts/contracts/EAS.sol/EAS.json");
const schemas = require("@ethereum-attestation-service/eas-contracts/artifacts/contracts/SchemaRegistry.sol/SchemaRegistry.json");
const { DocumentStoreFactory } = require("@tradetrust-tt/document-store");
const { wrapDocument } = require("@tradetrust-tt/tradetrust");
const verifying = require("@tradetrust-tt/tt-verify");
const { DocumentStore__factory: NewDocumentStore } = require("@trustvc/document-store");

const [url, secret] = process.argv.slice(2);
const provider = new ethers.providers.StaticJsonRpcProvider(url);
provider.pollingInterval = 20;
const wallet = new ethers.Wallet(secret, provider);
const free = { gasPrice: 0, gasLimit: 16_000_000 };
let nonce = 0;

/** Sends a transaction, waits for it and gives the gas that it took. */
async function sent(promise) {
  const receipt = await (await promise).wait();
  if (receipt.status !== 1) throw new Error("a rival's transaction failed");
  return receipt.gasUsed.toNumber();
}

async function deployed({ abi, interface: shape, bytecode }, ...args) {
  const factory = new ethers.ContractFactory(abi ?? shape, bytecode, wallet);
  const contract = await factory.deploy(...args, { ...free, nonce: nonce++ });
  await contract.deployed();
  return contract;
}

function options() {
  return { ...free, nonce: nonce++ };
}

function hashes(count) {
  return Array.from({ length: count }, () => ethers.utils.hexlify(ethers.utils.randomBytes(32)));
}

async function documentStoreGas(batch) {
  const factory = new DocumentStoreFactory(wallet);
  const old = await deployed(factory, "Bench", wallet.address);
  const current = await deployed(NewDocumentStore, "Bench", wallet.address);
  // The first record of a fresh contract is dearer for all alike.
  await sent(old.issue(hashes(1)[0], options()));
  await sent(current["issue(bytes32)"](hashes(1)[0], options()));
  const calls = hashes(batch).map((hash) => current.interface.encodeFunctionData("issue(bytes32)", [hash]));
  return {
    gas_document_store_issue: await sent(old.issue(hashes(1)[0], options())),
    gas_document_store_bulk_issue: (await sent(old.bulkIssue(hashes(batch), options()))) / batch,
    gas_trustvc_store_issue: await sent(current["issue(bytes32)"](hashes(1)[0], options())),
    gas_trustvc_store_multicall: (await sent(current.multicall(calls, options()))) / batch,
  };
}

async function attestationGas(batch) {
  const registry = await deployed(schemas);
  const service = await deployed(eas, registry.address);
  // What a draw-down says: certificate, line, declaration, quantity.
  const schema = "bytes32 certificate,uint32 line,bytes32 declaration,uint128 quantity";
  await sent(registry.register(schema, ethers.constants.AddressZero, true, options()));
  const uid = ethers.utils.solidityKeccak256(
    ["string", "address", "bool"],
    [schema, ethers.constants.AddressZero, true],
  );
  const data = () => ({
    recipient: ethers.constants.AddressZero,
    expirationTime: 0,
    revocable: true,
    refUID: ethers.constants.HashZero,
    data: ethers.utils.defaultAbiCoder.encode(
      ["bytes32", "uint32", "bytes32", "uint128"],
      [hashes(1)[0], 7, hashes(1)[0], 1_000_000],
    ),
    value: 0,
  });
  await sent(service.attest({ schema: uid, data: data() }, options()));
  const many = Array.from({ length: batch }, data);
  return {
    gas_eas_attest: await sent(service.attest({ schema: uid, data: data() }, options())),
    gas_eas_multi_attest: (await sent(service.multiAttest([{ schema: uid, data: many }], options()))) / batch,
    gas_eas_timestamp: await sent(service.timestamp(hashes(1)[0], options())),
  };
}

let issued;

/** A document with the fields of a release note, wrapped and issued in the document store. */
async function issue() {
  // The older store: at the newer one this version of the verifier asks for a hash without 0x and fails.
  const store = await deployed(new DocumentStoreFactory(wallet), "Bench", wallet.address);
  const wrapped = wrapDocument({
    issuers: [
      {
        name: "Customs",
        documentStore: store.address,
        identityProof: { type: "DNS-TXT", location: "customs.example" },
      },
    ],
    network: { chain: "ETH", chainId: String((await provider.getNetwork()).chainId) },
    $template: { type: "EMBEDDED_RENDERER", name: "RELEASE", url: "https://renderer.example" },
    declaration: "0190c1de-0000-7000-8000-000000000001",
    decision: "release",
    officers: ["0190c1de-0000-7000-8000-000000000002"],
    goods: [{ line: 1, name: "Bobsleigh", unit: "C62", quantity: "2", price: "40000" }],
  });
  await sent(store.issue(`0x${wrapped.signature.merkleRoot}`, options()));
  // Without the issuer's identity: that asks the domain name system, which a benchmark on one machine does not have.
  const verifiers = [
    verifying.openAttestationHash,
    verifying.openAttestationEthereumDocumentStoreStatus,
  ];
  // The document store's package speaks ethers 6. Neither waiting for company before a question nor an answer from its
  // memory: every verification asks the node, at once.
  const network = Network.from((await provider.getNetwork()).chainId);
  const reader = new JsonRpcProvider(url, network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 });
  return { document: wrapped, verify: verifying.verificationBuilder(verifiers, { provider: reader }) };
}

async function verify(count) {
  issued ??= await issue();
  const begun = process.hrtime.bigint();
  for (let turn = 0; turn < count; turn++) {
    const fragments = await issued.verify(issued.document);
    if (!verifying.isValid(fragments, ["DOCUMENT_INTEGRITY", "DOCUMENT_STATUS"])) {
      throw new Error(`the rival's document is not valid: ${JSON.stringify(fragments)}`);
    }
  }
  return { seconds: Number(process.hrtime.bigint() - begun) / 1e9 };
}

async function answer(request) {
  if (request.do === "gas") {
    return { ...(await documentStoreGas(request.batch)), ...(await attestationGas(request.batch)) };
  }
  if (request.do === "verify") return verify(request.count);
  throw new Error(`unknown request: ${request.do}`);
}

async function main() {
  nonce = await provider.getTransactionCount(wallet.address);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

main().catch((fault) => {
  process.stderr.write(`${fault.stack}\n`);
  process.exitCode = 1;
});
